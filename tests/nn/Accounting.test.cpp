// SPDX-License-Identifier: Apache-2.0
#include "nn/Accounting.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "nn/GraphBuilder.hpp"
#include "nn/Swin.hpp"

namespace aocq::nn {
namespace {

// The rules of shapes and the executor agree on every value.
void expect_the_executors_shapes(const Graph& graph, const Shape& image) {
    const NoGradients scope;
    const std::vector<Shape> shapes = value_shapes(graph, image);
    RunOptions options;
    options.taps.resize(graph.value_names().size() - 1);
    std::iota(options.taps.begin(), options.taps.end(), 1);
    const Values values = run(graph, test::formula_parameters(graph),
                              {{graph.input(), test::formula("image", image)}}, options);
    ASSERT_EQ(values.size() + 1, shapes.size());
    for (const auto& [value, tensor] : values) {
        const auto place = static_cast<std::size_t>(value);
        EXPECT_EQ(tensor.sizes(), shapes[place]) << graph.value_names()[place];
    }
}

TEST(Shapes, AreTheExecutorsForVitWithEveryOption) {
    VitShape shape = test::small_shape();
    expect_the_executors_shapes(build_vit(shape), {2, 3, 32, 32});
    shape.layer_scale = true;
    shape.token_position = false;
    shape.pre_logits = 8;
    expect_the_executors_shapes(build_vit(shape), {2, 3, 32, 32});
    shape.pooling = Pooling::average;
    shape.norm_after_pooling = true;
    expect_the_executors_shapes(build_vit(shape), {1, 3, 32, 32});
    VitShape distilled = test::small_shape();
    distilled.distilled = true;
    expect_the_executors_shapes(build_vit(distilled), {3, 3, 32, 32});
}

// Maps of 10, 5 and 3 places in windows of 4: all are padded, one is odd.
TEST(Shapes, AreTheExecutorsForSwinWithPadding) {
    SwinShape shape;
    shape.image_size = 40;
    shape.window = 4;
    shape.width = 24;
    shape.depths = {2, 2, 2};
    shape.heads = {2, 3, 4};
    shape.classes = 5;
    expect_the_executors_shapes(build_swin(shape), {2, 3, 40, 40});
}

TEST(Accounting, CountsEachProductByHand) {
    const Graph graph = build_vit(test::small_shape());  // 16 patches and a token, 3 heads of 16
    const ModelCost cost = model_cost(graph, {2, 3, 32, 32});
    const auto macs = [&](const char* node) { return cost.nodes[graph.node_index(node)].macs; };
    EXPECT_EQ(macs("patch_embed.proj"), 2 * 16 * 48 * 3 * 8 * 8);
    EXPECT_EQ(macs("blocks.0.attn.qkv"), 2 * 17 * 48 * 144);
    EXPECT_EQ(macs("blocks.0.attn.scores"), 2 * 3 * 17 * 17 * 16);
    EXPECT_EQ(macs("blocks.0.attn.context"), 2 * 3 * 17 * 17 * 16);
    EXPECT_EQ(macs("blocks.1.mlp.fc2"), 2 * 17 * 192 * 48);
    EXPECT_EQ(macs("head"), 2 * 48 * 10);
    EXPECT_EQ(macs("blocks.0.attn.softmax"), 0);
    EXPECT_EQ(macs("blocks.0.norm1"), 0);
}

TEST(Accounting, CountsParametersAndActivationsOfEachNode) {
    const Graph graph = build_vit(test::small_shape());
    const ModelCost cost = model_cost(graph, {1, 3, 32, 32});
    const NodeCost fc1 = cost.nodes[graph.node_index("blocks.0.mlp.fc1")];
    EXPECT_EQ(fc1.parameters, 48 * 192 + 192);
    EXPECT_EQ(fc1.activations, 17 * 192);
    EXPECT_EQ(cost.nodes[graph.node_index("position")].parameters, 17 * 48);
    EXPECT_EQ(cost.nodes[graph.node_index("blocks.0.attn.softmax")].activations, 3 * 17 * 17);
    NodeCost sum;
    for (const NodeCost& node : cost.nodes) {
        sum.macs += node.macs;
        sum.parameters += node.parameters;
        sum.activations += node.activations;
    }
    EXPECT_EQ(sum.macs, cost.total.macs);
    EXPECT_EQ(sum.parameters, cost.total.parameters);
    EXPECT_EQ(sum.activations, cost.total.activations);
}

TEST(Accounting, SharedParametersCountOnce) {
    GraphBuilder g("image");
    const ValueId once = g.add("flatten", FlattenPatches{}, {g.input()});
    g.parameter("scale", {3});
    const ValueId first = g.add("first", ScaleChannels{"scale"}, {once});
    const Graph graph = g.finish(g.add("second", ScaleChannels{"scale"}, {first}));
    const ModelCost cost = model_cost(graph, {1, 3, 2, 2});
    EXPECT_EQ(cost.nodes[1].parameters, 3);
    EXPECT_EQ(cost.nodes[2].parameters, 0);
}

double giga_macs(const Graph& graph) {
    return static_cast<double>(model_cost(graph, {1, 3, 224, 224}).total.macs) * 1e-9;
}

// As the papers print them; what is no product (norms, biases, softmax) is within a percent.
TEST(Accounting, TotalsAreThosePapersPrint) {
    VitShape vit;
    EXPECT_NEAR(giga_macs(build_vit(vit)), 1.26, 0.0126);  // DeiT-T
    vit.width = 384;
    vit.heads = 6;
    EXPECT_NEAR(giga_macs(build_vit(vit)), 4.6, 0.046);  // DeiT-S
    vit.width = 768;
    vit.heads = 12;
    EXPECT_NEAR(giga_macs(build_vit(vit)), 17.6, 0.176);  // DeiT-B
    SwinShape swin;
    EXPECT_NEAR(giga_macs(build_swin(swin)), 4.5, 0.045);  // Swin-T
    swin.depths = {2, 2, 18, 2};
    EXPECT_NEAR(giga_macs(build_swin(swin)), 8.7, 0.087);  // Swin-S
    swin.width = 128;
    swin.heads = {4, 8, 16, 32};
    EXPECT_NEAR(giga_macs(build_swin(swin)), 15.4, 0.154);  // Swin-B
}

}  // namespace
}  // namespace aocq::nn
