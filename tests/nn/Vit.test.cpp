// SPDX-License-Identifier: Apache-2.0
#include "nn/Vit.hpp"

#include <gtest/gtest.h>

#include "core/Files.hpp"
#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

void expect_timm(const char* which, const VitShape& shape) {
    const NoGradients scope;
    const auto file = test::source_folder() / "tests/golden/nn/timm_vit.json";
    const Json golden = parse_json(read_text(file), file.string()).at(which);
    const Graph graph = build_vit(shape);
    const at::Tensor logits =
        forward(graph, test::formula_parameters(graph), test::formula("image", {2, 3, 32, 32}));
    ASSERT_EQ(logits.sizes(), (std::vector<std::int64_t>{2, 10}));
    for (std::int64_t i = 0; i < 2; ++i) {
        for (std::int64_t k = 0; k < 10; ++k) {
            const auto wanted = golden.at(static_cast<std::size_t>(i))
                                    .at(static_cast<std::size_t>(k))
                                    .get<double>();
            EXPECT_NEAR(logits[i][k].item<double>(), wanted, 1e-4) << which << " " << i << " " << k;
        }
    }
}

TEST(Vit, GivesTimmsLogits) {
    expect_timm("vit", test::small_shape());
}

TEST(Vit, GivesTimmsLogitsForADistilledDeit) {
    VitShape shape = test::small_shape();
    shape.distilled = true;
    expect_timm("distilled", shape);
}

TEST(Vit, GivesTimmsLogitsForDeitThree) {
    VitShape shape = test::small_shape();
    shape.layer_scale = true;
    shape.token_position = false;
    expect_timm("deit3", shape);
}

TEST(Vit, GivesTimmsLogitsForAveragePooling) {
    VitShape shape = test::small_shape();
    shape.pooling = Pooling::average;
    expect_timm("average_after_norm", shape);
    shape.norm_after_pooling = true;
    expect_timm("average", shape);
    shape.class_token = false;
    expect_timm("no_class_token", shape);
}

TEST(Vit, GivesTimmsLogitsForANormBehindTheClassToken) {
    VitShape shape = test::small_shape();
    shape.norm_after_pooling = true;
    expect_timm("token_fc_norm", shape);
}

TEST(Vit, GivesTimmsLogitsForPreLogits) {
    VitShape shape = test::small_shape();
    shape.pre_logits = 24;
    expect_timm("pre_logits", shape);
}

TEST(Vit, AveragePoolingTakesTheNormAlongUnlessToldOtherwise) {
    Json section = {{"image_size", 32}, {"patch_size", 8}, {"width", 48},         {"depth", 1},
                    {"heads", 3},       {"classes", 2},    {"pooling", "average"}};
    Fields fields(section, "model");
    EXPECT_TRUE(vit_shape_from(fields).norm_after_pooling);
    section["norm_after_pooling"] = false;
    Fields again(section, "model");
    EXPECT_FALSE(vit_shape_from(again).norm_after_pooling);
}

std::string refused_key(const Json& change) {
    Json section = {{"image_size", 32}, {"patch_size", 8}, {"width", 48},
                    {"depth", 1},       {"heads", 3},      {"classes", 2}};
    section.update(change);
    Fields fields(section, "model");
    try {
        vit_shape_from(fields);
    } catch (const Error& error) {
        return error.field("key");
    }
    return "accepted";
}

TEST(Vit, ContradictingOptionsAreRefused) {
    EXPECT_EQ(refused_key(Json::object()), "accepted");
    EXPECT_EQ(refused_key({{"class_token", false}}), "model.class_token");
    EXPECT_EQ(refused_key({{"class_token", false}, {"pooling", "average"}}), "accepted");
    EXPECT_EQ(refused_key({{"distilled", true}, {"pooling", "average"}}), "model.distilled");
    EXPECT_EQ(refused_key({{"distilled", true}, {"pre_logits", 8}}), "model.distilled");
}

TEST(Vit, DeitThreesOwnNamesAreThoseOfLayerScale) {
    VitShape shape = test::small_shape();
    EXPECT_TRUE(original_vit_names(shape).empty());
    shape.layer_scale = true;
    const auto names = original_vit_names(shape);
    EXPECT_EQ(names.size(), build_vit(shape).parameters().size());
    EXPECT_EQ(names.at("blocks.1.ls2.gamma"), "blocks.1.gamma_2");
    EXPECT_EQ(names.at("blocks.1.norm2.bias"), "blocks.1.norm2.bias");
}

TEST(Vit, HasTheParametersOfDeitTiny) {
    std::int64_t total = 0;
    const Graph graph = build_vit(VitShape{});
    for (const auto& parameter : graph.parameters()) {
        std::int64_t count = 1;
        for (const auto extent : parameter.shape) count *= extent;
        total += count;
    }
    EXPECT_EQ(graph.parameters().size(), 152U);
    EXPECT_EQ(total, 5'717'416);
    EXPECT_EQ(graph.blocks().size(), 12U);
}

TEST(Vit, ShapeThatIsNoWholeNumberOfPatchesIsRefused) {
    const Json section = {{"image_size", 224}, {"patch_size", 15}, {"width", 192},
                          {"depth", 1},        {"heads", 3},       {"classes", 2}};
    Fields fields(section, "model");
    try {
        vit_shape_from(fields);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("key"), "model.patch_size");
        EXPECT_EQ(error.field("found"), "224 / 15");
    }
}

TEST(Vit, WidthThatHeadsDoNotDivideIsRefused) {
    const Json section = {{"image_size", 32}, {"patch_size", 8}, {"width", 50},
                          {"depth", 1},       {"heads", 3},      {"classes", 2}};
    Fields fields(section, "model");
    EXPECT_THROW(vit_shape_from(fields), Error);
}

}  // namespace
}  // namespace aocq::nn
