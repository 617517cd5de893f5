// SPDX-License-Identifier: Apache-2.0
#include "nn/GraphEdit.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "nn/GraphBuilder.hpp"

namespace aocq::nn {
namespace {

TEST(GraphEdit, NeutralParametersLeaveTheFunctionAsItWas) {
    const NoGradients scope;
    const Graph graph = build_vit(test::small_shape());
    Parameters parameters = test::formula_parameters(graph);
    const at::Tensor image = test::formula("image", {2, 3, 32, 32});
    const at::Tensor before = forward(graph, parameters, image);
    const std::vector<GraphEdit> edits{{EditKind::balance, "blocks.0.mlp.gelu", 192},
                                       {EditKind::balance, "blocks.1.mlp.gelu", 192}};
    const Graph changed = edited(graph, edits);
    for (const auto& [name, tensor] : neutral_parameters(edits)) {
        EXPECT_NE(changed.find_parameter(name), nullptr) << name;
        parameters[name] = tensor;
    }
    EXPECT_TRUE(at::equal(forward(changed, parameters, image), before));
}

TEST(GraphEdit, PlacesAndNamesOfNodesStay) {
    const Graph graph = build_vit(test::small_shape());
    const Graph changed =
        edited(graph, std::vector<GraphEdit>{{EditKind::balance, "blocks.1.mlp.gelu", 192}});
    ASSERT_EQ(changed.nodes().size(), graph.nodes().size());
    for (std::size_t i = 0; i < graph.nodes().size(); ++i)
        EXPECT_EQ(changed.nodes()[i].name, graph.nodes()[i].name);
    EXPECT_NE(changed.fingerprint(), graph.fingerprint());
}

TEST(GraphEdit, MissingBiasIsPutIn) {
    const NoGradients scope;
    GraphBuilder g("x");
    const Graph graph = g.finish(g.linear("a", g.input(), 3, 2, Role::linear, /*bias=*/false));
    const std::vector<GraphEdit> edits{{EditKind::bias, "a", 2}};
    const Graph changed = edited(graph, edits);
    const at::Tensor x = test::formula("image", {4, 3});
    Parameters parameters{{"a.weight", test::formula("a.weight", {2, 3})}};
    const at::Tensor before = run(graph, parameters, {{0, x}}).begin()->second;
    parameters["a.bias"] = at::full({2}, 0.5);
    const at::Tensor after = run(changed, parameters, {{0, x}}).begin()->second;
    EXPECT_TRUE(at::allclose(after, before + 0.5));
}

TEST(GraphEdit, EditThatDoesNotFitIsAnError) {
    const Graph graph = build_vit(test::small_shape());
    const auto refuses = [&](const GraphEdit& edit) {
        EXPECT_THROW(edited(graph, std::vector<GraphEdit>{edit}), Error) << edit.node;
    };
    refuses({EditKind::balance, "blocks.9.mlp.gelu", 192});
    refuses({EditKind::balance, "blocks.0.mlp.fc1", 192});
    refuses({EditKind::bias, "blocks.0.mlp.fc1", 192});
    const GraphEdit twice{EditKind::balance, "blocks.0.mlp.gelu", 192};
    EXPECT_THROW(edited(graph, std::vector<GraphEdit>{twice, twice}), Error);
}

}  // namespace
}  // namespace aocq::nn
