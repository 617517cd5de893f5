// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/SequentialFit.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

Json sequential(const char* observer) {
    return {{"passes", {"fit", "sequential_fit"}},
            {"fit", {{"observer", "minmax"}}},
            {"sequential_fit", {{"observer", observer}}}};
}

// The operand of a node in the simulation of `model` before it is quantized itself.
at::Tensor operand_of(const test::Toy& toy, const QuantizedModel& model, std::size_t node,
                      std::size_t input) {
    const nn::NoGradients scope;
    Simulation simulation(toy.graph, toy.parameters, model);
    nn::RunOptions options;
    options.last = node;
    options.taps = {simulation.graph().nodes()[node].inputs[input]};
    options.policy = &simulation;
    return nn::run(simulation.graph(), simulation.parameters(), {{toy.graph.input(), toy.images}},
                   options)
        .begin()
        ->second;
}

TEST(SequentialFit, SeesEveryOperandBehindTheQuantizedOnesBeforeIt) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(sequential("candidates"), {4, 4});
    ObserverOptions options;
    options.observer = Observer::candidates;
    int checked = 0;
    for (const Site& site : toy.sites) {
        if (site.is_weight() || site.is_output()) continue;
        if (site.node < toy.graph.blocks().front().first) continue;
        const at::Tensor x =
            operand_of(toy, model, site.node, site.operand == nn::Operand::second ? 1 : 0);
        Quantizer wanted = *model.quantization.find(site.name);
        wanted.grids.clear();
        observe(x, site, wanted, options);
        const Grid found = model.quantization.find(site.name)->grids.at(0);
        EXPECT_NEAR(found.scale, wanted.grids.at(0).scale, found.scale * 1e-3) << site.name;
        ++checked;
    }
    EXPECT_EQ(checked, 17);  // two blocks of eight, and the head
}

TEST(SequentialFit, DiffersFromWhatTheFloatModelShows) {
    const test::Toy toy;
    const QuantizedModel behind = toy.made_by(sequential("minmax"), {3, 3});
    const QuantizedModel plain = toy.fitted({3, 3}, {{"observer", "minmax"}});
    const auto scale = [](const QuantizedModel& model, const char* site) {
        return model.quantization.find(site)->grids.at(0).scale;
    };
    // The first layer's input depends on the patch embedding only, the head's on everything.
    EXPECT_NE(scale(behind, "head:input"), scale(plain, "head:input"));
    EXPECT_EQ(scale(behind, "patch_embed.proj:input"), scale(plain, "patch_embed.proj:input"));
}

TEST(SequentialFit, RefusesToBeCutIntoBlocks) {
    const test::Toy toy;
    const Json method = {
        {"passes", {"fit", {{"for_each", "block"}, {"passes", {"sequential_fit"}}}}}};
    EXPECT_THROW(toy.made_by(method, {8, 8}), Error);
}

TEST(SequentialFit, RefusesWhatLeavesANode) {
    test::Toy toy;
    toy.observe_outputs();
    const Rule residual = test::rule({{"kind", "residual"}, {"quantize", true}});
    EXPECT_THROW(toy.made_by(sequential("minmax"), {8, 8}, {residual}), Error);
}

TEST(SequentialFit, RefusesTheRunningAverage) {
    const test::Toy toy;
    EXPECT_THROW(toy.made_by(sequential("ema"), {8, 8}), Error);
}

}  // namespace
}  // namespace aocq::quant
