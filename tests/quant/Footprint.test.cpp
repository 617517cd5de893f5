// SPDX-License-Identifier: Apache-2.0
#include "quant/Footprint.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

class FootprintOf : public testing::Test {
  protected:
    nn::Graph graph = nn::build_vit(test::small_shape());
    std::vector<Site> sites = list_sites(graph);
    nn::ModelCost cost = nn::model_cost(graph, {1, 3, 32, 32});

    Footprint with(Widths widths, const std::vector<Json>& rules = {}) const {
        std::vector<Rule> parsed;
        for (const auto& table : rules) parsed.push_back(test::rule(table));
        return footprint(graph, sites, resolve_scheme(sites, parsed, widths), cost);
    }
    std::int64_t macs(const char* node) const { return cost.nodes[graph.node_index(node)].macs; }
};

TEST_F(FootprintOf, EverythingQuantizedRunsEveryProductOnIntegers) {
    const Footprint all = with({4, 4});
    EXPECT_EQ(all.macs, cost.total.macs);
    EXPECT_EQ(all.quantized_macs, all.macs);
    EXPECT_EQ(all.float_bytes, 4 * cost.total.parameters);
}

TEST_F(FootprintOf, ProductWithOneFloatOperandDoesNot) {
    EXPECT_EQ(with({4, 32}).quantized_macs, 0);
    const Footprint query =
        with({8, 8}, {{{"name", "blocks.0.attn.scores:lhs"}, {"quantize", false}}});
    EXPECT_EQ(query.quantized_macs, query.macs - macs("blocks.0.attn.scores"));
    const Footprint head = with({8, 8}, {{{"name", "head:weight"}, {"quantize", false}}});
    EXPECT_EQ(head.quantized_macs, head.macs - macs("head"));
}

TEST_F(FootprintOf, PartsOfAQuantizedOutputAreQuantized) {
    const std::vector<Json> parts{
        {{"kind", {"attention.query", "attention.key", "attention.value"}}, {"quantize", false}}};
    std::vector<Json> with_output = parts;
    with_output.push_back({{"name", "blocks.*.attn.qkv:output"}, {"quantize", true}});
    const Footprint all = with({8, 8}, with_output);
    EXPECT_LT(with({8, 8}, parts).quantized_macs, all.macs);
    EXPECT_EQ(all.quantized_macs, all.macs);
    EXPECT_EQ(all.bytes, with({8, 8}).bytes);
}

// The head alone, by hand: 10 x 48 weights.
TEST_F(FootprintOf, WeightsArePackedWithTheirGrids) {
    const auto head_only = [&](Json rule) {
        rule["name"] = "head:weight";
        rule["quantize"] = true;
        const Footprint print = with({4, 8}, {{{"name", "*"}, {"quantize", false}}, rule});
        EXPECT_EQ(print.quantized_weight_bytes, 4 * 480);
        return print.bytes - (print.float_bytes - 4 * 480);
    };
    EXPECT_EQ(head_only({{"granularity", "channel"}}), 240 + 10 * 4);
    EXPECT_EQ(head_only({{"granularity", "tensor"}}), 240 + 4);
    EXPECT_EQ(head_only({{"granularity", "channel"}, {"symmetry", "asymmetric"}}), 240 + 10 * 5);
    EXPECT_EQ(head_only({{"granularity", "group"}, {"group", 20}}), 240 + 10 * 3 * 4);
    EXPECT_EQ(head_only({{"granularity", "tensor"}, {"bits", 3}}), 180 + 4);
}

// DeiT-B with 4-bit weights: an eighth of float32, and what stays float.
TEST_F(FootprintOf, FourBitsAreAnEighthOfALargeModel) {
    nn::VitShape shape;
    shape.width = 768;
    shape.heads = 12;
    const nn::Graph base = nn::build_vit(shape);
    const auto all = list_sites(base);
    const Footprint print = footprint(base, all, resolve_scheme(all, {}, {4, 8}),
                                      nn::model_cost(base, {1, 3, 224, 224}));
    EXPECT_GT(print.memory_ratio(), 0.125);
    EXPECT_LT(print.memory_ratio(), 0.130);
}

}  // namespace
}  // namespace aocq::quant
