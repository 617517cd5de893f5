// SPDX-License-Identifier: Apache-2.0
#include "nn/Graph.hpp"

#include <gtest/gtest.h>

#include "nn/Formula.hpp"

namespace aocq::nn {
namespace {

TEST(Graph, FingerprintChangesWithAnyPartOfTheShape) {
    const std::string base = build_vit(test::small_shape()).fingerprint();
    EXPECT_EQ(build_vit(test::small_shape()).fingerprint(), base);
    for (auto change : {+[](VitShape& s) { s.depth = 3; }, +[](VitShape& s) { s.epsilon = 1e-5; },
                        +[](VitShape& s) { s.heads = 6; }, +[](VitShape& s) { s.classes = 11; }}) {
        VitShape shape = test::small_shape();
        change(shape);
        EXPECT_NE(build_vit(shape).fingerprint(), base);
    }
}

TEST(Graph, EveryNodeReadsOnlyEarlierValues) {
    const Graph graph = build_vit(test::small_shape());
    for (const Node& node : graph.nodes()) {
        for (const ValueId input : node.inputs) EXPECT_LT(input, node.output) << node.name;
    }
}

TEST(Graph, BlocksCoverTheirNodesByName) {
    const Graph graph = build_vit(test::small_shape());
    ASSERT_EQ(graph.blocks().size(), 2U);
    for (const Block& block : graph.blocks()) {
        for (std::size_t i = block.first; i < block.last; ++i) {
            EXPECT_TRUE(graph.nodes()[i].name.starts_with(block.name + "."))
                << graph.nodes()[i].name;
        }
    }
}

TEST(Graph, FindsValuesAndParametersByName) {
    const Graph graph = build_vit(test::small_shape());
    EXPECT_EQ(graph.find_value("image"), ValueId{0});
    EXPECT_EQ(graph.find_value("nothing"), std::nullopt);
    ASSERT_NE(graph.find_parameter("blocks.1.mlp.fc2.weight"), nullptr);
    EXPECT_EQ(graph.find_parameter("blocks.1.mlp.fc2.weight")->shape,
              (std::vector<std::int64_t>{48, 192}));
    EXPECT_EQ(graph.find_parameter("blocks.2.norm1.weight"), nullptr);
}

}  // namespace
}  // namespace aocq::nn
