// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

Json method(const Json& mixed, const Json& levels = {"mixed"}) {
    Json table = mixed;
    table["level"] = "mixed";
    return {{"passes", {"mixed_precision", "fit"}}, {"levels", levels}, {"mixed_precision", table}};
}

// One module whose errors are far larger than the others'.
test::Toy toy_with_a_keen_module() {
    return test::Toy(nn::build_vit(test::small_shape()), [](test::Toy& toy) {
        toy.parameters.at("blocks.1.mlp.fc2.weight").mul_(100);
    });
}

int bits_of(const QuantizedModel& model, const std::string& site) {
    return model.quantization.find(site)->scheme.bits;
}

std::int64_t weight_bits(const test::Toy& toy, const QuantizedModel& model) {
    std::int64_t sum = 0;
    for (const Site& site : toy.sites) {
        if (site.is_weight())
            sum += toy.parameters.at(site.parameter).numel() * bits_of(model, site.name);
    }
    return sum;
}

TEST(MixedPrecision, TheKeenModuleGetsMoreBitsWithinTheSameSize) {
    const test::Toy toy = toy_with_a_keen_module();
    const QuantizedModel mixed = toy.made_by(method(Json::object()), {4, 4}),
                         plain = toy.made_by(method(Json::object(), Json::array()), {4, 4});
    for (const char* site :
         {"blocks.1.mlp.fc1:weight", "blocks.1.mlp.fc2:weight", "blocks.1.mlp.fc2:input"}) {
        EXPECT_EQ(bits_of(mixed, site), 6) << site;
        EXPECT_EQ(bits_of(plain, site), 4) << site;
    }
    EXPECT_LE(weight_bits(toy, mixed), weight_bits(toy, plain));
    EXPECT_EQ(bits_of(mixed, "head:weight"), 4);
    EXPECT_FALSE(toy.simulated(mixed).isnan().any().item<bool>());
}

TEST(MixedPrecision, AModuleIsOfOneWidth) {
    const test::Toy toy = toy_with_a_keen_module();
    const QuantizedModel mixed = toy.made_by(method(Json::object()), {4, 4});
    const int bits = bits_of(mixed, "blocks.0.attn.qkv:weight");
    for (const char* site :
         {"blocks.0.attn.qkv:input", "blocks.0.attn.scores:lhs", "blocks.0.attn.scores:rhs",
          "blocks.0.attn.context:lhs", "blocks.0.attn.context:rhs", "blocks.0.attn.proj:input",
          "blocks.0.attn.proj:weight"}) {
        EXPECT_EQ(bits_of(mixed, site), bits) << site;
    }
}

TEST(MixedPrecision, NoWidthGrowsBeyondTheLargest) {
    const test::Toy toy = toy_with_a_keen_module();
    const QuantizedModel eight = toy.made_by(method(Json::object()), {8, 8}),
                         ten = toy.made_by(method({{"largest", 10}}), {8, 8});
    EXPECT_EQ(bits_of(eight, "blocks.1.mlp.fc2:weight"), 8);
    EXPECT_EQ(bits_of(ten, "blocks.1.mlp.fc2:weight"), 10);
}

TEST(MixedPrecision, WithoutTheRulesWidthIsAnError) {
    const test::Toy toy;
    EXPECT_THROW(recipe_from(Fields(method({{"offsets", {-1, 1}}}), "method"), toy.graph), Error);
}

}  // namespace
}  // namespace aocq::quant
