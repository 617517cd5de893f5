// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputRefit.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

QuantizedModel start_of(const test::Toy& toy) {
    return toy.fitted(
        {8, 8}, Json::object(),
        {test::rule({{"kind", {"linear.output", "attention.score"}}, {"quantize", true}}),
         test::rule({{"kind", "attention.probability"}, {"codec", "log_int"}, {"bits", 4}})});
}

TEST(OutputRefit, GridFollowsARewriteOfItsLayer) {
    const nn::NoGradients scope;
    test::Toy toy;
    toy.observe_outputs();
    QuantizedModel model = start_of(toy);
    // All of qkv twice as large: its output twice as wide, the scores four times.
    for (const char* name : {"blocks.0.attn.qkv.weight", "blocks.0.attn.qkv.bias"})
        model.balanced[name] = toy.parameters.at(name) * 2.0;
    BlockWalk walk(toy.graph, toy.parameters, toy.batches());
    PassContext context = toy.context();
    context.walk = &walk;
    const QuantizedModel before = model;
    const std::size_t qkv = toy.graph.node_index("blocks.0.attn.qkv"),
                      scores = toy.graph.node_index("blocks.0.attn.scores");
    refit_outputs(context, model, 0, {qkv, scores});
    const auto ratio = [&](const char* site) {
        return model.quantization.find(site)->grids.at(0).scale /
               before.quantization.find(site)->grids.at(0).scale;
    };
    EXPECT_NEAR(ratio("blocks.0.attn.qkv:output"), 2.0, 0.6);
    EXPECT_NEAR(ratio("blocks.0.attn.scores:output"), 4.0, 1.2);
    EXPECT_EQ(ratio("blocks.0.attn.context:lhs"), ratio("blocks.0.attn.scores:output"));
    EXPECT_EQ(ratio("blocks.0.attn.proj:output"), 1.0F);
    EXPECT_EQ(ratio("blocks.1.attn.qkv:output"), 1.0F);
}

// AOCQ with quantized outputs: every pass runs, and what balancing moved has a grid that fits.
TEST(OutputRefit, WholeMethodRunsWithQuantizedOutputs) {
    test::Toy toy;
    toy.observe_outputs();
    const Json rules = {
        {{"kind", {"linear.output", "attention.score", "residual"}}, {"quantize", true}},
        {{"kind", "attention.probability"}, {"codec", "log_int"}, {"bits", 8}}};
    const QuantizedModel model = toy.made_by(
        {{"passes",
          {"fit",
           {{"for_each", "block"}, {"passes", {"channel_balance"}}},
           {{"for_each", "block"}, {"passes", {"activation_step", "weight_rounding"}}}}},
         {"channel_balance", {{"judges", 0}}},
         {"rule", rules}},
        {8, 8});
    for (const auto& [site, report] : model.report.back().at("sites").items())
        EXPECT_FALSE(site.ends_with(":output")) << site;
    const at::Tensor plain = toy.logits();
    const double range = (plain.max() - plain.min()).item<double>();
    EXPECT_LT((toy.simulated(model) - plain).abs().max().item<double>() / range, 0.3);
}

}  // namespace
}  // namespace aocq::quant
