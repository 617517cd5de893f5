// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

Json method(const char* inputs) {
    return {{"passes", {"fit", {{"for_each", "block"}, {"passes", {"bias_correction"}}}}},
            {"bias_correction", {{"inputs", inputs}}}};
}

// The outputs of every linear layer behind the patch embedding, over all images.
nn::Values outputs(const nn::Graph& graph, const nn::Parameters& parameters,
                   const at::Tensor& images, nn::OperandPolicy* policy) {
    const nn::NoGradients scope;
    nn::RunOptions options;
    options.policy = policy;
    for (const nn::Node& node : graph.nodes()) {
        if (std::holds_alternative<nn::Linear>(node.op)) options.taps.push_back(node.output);
    }
    return nn::run(graph, parameters, {{graph.input(), images}}, options);
}

at::Tensor mean_of(const at::Tensor& x) {
    return x.to(at::kDouble).reshape({-1, x.size(-1)}).mean(0);
}

TEST(BiasCorrection, OnThePrefixEveryLayerHasTheMeanOutputOfTheFloatOne) {
    const test::Toy vit, swin(nn::build_swin(test::small_swin()));
    for (const test::Toy* toy : {&vit, &swin}) {
        const QuantizedModel model = toy->made_by(method("prefix"), {4, 4});
        Simulation simulation(toy->graph, toy->parameters, model);
        const nn::Values found =
            outputs(simulation.graph(), simulation.parameters(), toy->images, &simulation);
        const nn::Values wanted = outputs(toy->graph, toy->parameters, toy->images, nullptr);
        ASSERT_FALSE(wanted.empty());
        for (const auto& [id, y] : wanted) {
            const double scale = y.abs().max().item<double>();
            const at::Tensor difference = mean_of(found.at(id)) - mean_of(y);
            EXPECT_LT(difference.abs().max().item<double>(), 1e-4 * scale)
                << toy->graph.value_names()[static_cast<std::size_t>(id)];
        }
    }
}

TEST(BiasCorrection, ALayerWithoutBiasGetsOne) {
    const test::Toy swin(nn::build_swin(test::small_swin()));
    for (const char* inputs : {"prefix", "float"}) {
        const QuantizedModel model = swin.made_by(method(inputs), {4, 4});
        ASSERT_EQ(model.edits.size(), 1U);
        EXPECT_EQ(model.edits[0].kind, nn::EditKind::bias);
        EXPECT_TRUE(model.changed.contains(model.edits[0].node + ".bias"));
    }
}

TEST(BiasCorrection, OnFloatInputsALayerAloneHasTheMeanOutputOfTheFloatOne) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(method("float"), {3, 3});
    const nn::NoGradients scope;
    Simulation simulation(toy.graph, toy.parameters, model);
    const std::size_t node = toy.graph.node_index("blocks.1.mlp.fc2");
    const nn::ValueId input = toy.graph.nodes()[node].inputs.front();
    nn::RunOptions options;
    options.taps = {input, toy.graph.nodes()[node].output};
    const nn::Values values =
        nn::run(toy.graph, toy.parameters, {{toy.graph.input(), toy.images}}, options);
    const at::Tensor x = simulation.operand(node, nn::Operand::first, values.at(input));
    const at::Tensor found =
        at::matmul(x, simulation.parameters().at("blocks.1.mlp.fc2.weight").t()) +
        simulation.parameters().at("blocks.1.mlp.fc2.bias");
    const at::Tensor& wanted = values.at(options.taps[1]);
    EXPECT_LT((mean_of(found) - mean_of(wanted)).abs().max().item<double>(),
              1e-5 * wanted.abs().max().item<double>());
}

TEST(BiasCorrection, OnlyFloatInputsLetBlocksRunAtTheSameTime) {
    const test::Toy toy;
    const auto independent = [&](const char* inputs) {
        return recipe_from(Fields(method(inputs), "method"), toy.graph)
            .stages[1]
            .has_independent_steps();
    };
    EXPECT_TRUE(independent("float"));
    EXPECT_FALSE(independent("prefix"));
}

}  // namespace
}  // namespace aocq::quant
