// SPDX-License-Identifier: Apache-2.0
#include "quant/Sensitivity.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

TEST(Sensitivity, NormsAreThoseOfFiniteDifferences) {
    const test::Toy toy;
    const Sensitivity measured = toy.sensitivity();
    // The cross entropy of one drawn label is unknown outside, but the head's gradient tells it:
    // softmax minus one-hot, which is negative at the label only.
    const nn::NoGradients scope;
    const nn::ValueId place = *toy.graph.find_value("blocks.1.mlp.fc2");
    nn::RunOptions taps;
    taps.taps = {place, toy.graph.output()};
    const nn::Values values =
        nn::run(toy.graph, toy.parameters, {{toy.graph.input(), toy.images}}, taps);
    const at::Tensor shares = at::softmax(values.at(toy.graph.output()), -1);
    const double head = measured.nodes.at("head").token_norm[0][0].item<double>();
    std::int64_t label = -1;
    for (std::int64_t c = 0; c < 10; ++c) {
        at::Tensor g = shares[0].clone();
        g[c] -= 1.0;
        if (std::abs(g.norm().item<double>() - head) < 1e-6) label = c;
    }
    ASSERT_GE(label, 0);
    const auto loss_with = [&](std::int64_t channel, double change) {
        nn::Values replaced{{place, values.at(place).slice(0, 0, 1).to(at::kFloat).clone()}};
        replaced.at(place)[0][3][channel] += change;
        nn::RunOptions options;
        options.value_overrides = &replaced;
        const at::Tensor logits = nn::run(toy.graph, toy.parameters,
                                          {{toy.graph.input(), toy.images.slice(0, 0, 1)}}, options)
                                      .at(toy.graph.output());
        return -at::log_softmax(logits.to(at::kDouble), -1)[0][label].item<double>();
    };
    double square = 0;
    constexpr double step = 2e-2;
    for (std::int64_t channel = 0; channel < 48; ++channel) {
        const double slope = (loss_with(channel, step) - loss_with(channel, -step)) / (2 * step);
        square += slope * slope;
    }
    const double norm = measured.nodes.at("blocks.1.mlp.fc2").token_norm[0][3].item<double>();
    EXPECT_NEAR(norm, std::sqrt(square), 0.02 * norm);
}

TEST(Sensitivity, ChunksJoinToTheWholeBitByBit) {
    const test::Toy toy;
    const Sensitivity whole = toy.sensitivity();
    std::vector<Sensitivity> chunks;
    for (std::int64_t i = 0; i < 4; i += 2) {
        SensitivityMeter meter(toy.graph, toy.parameters, 5);
        meter.add(toy.images.slice(0, i, i + 2), i);
        chunks.push_back(meter.result());
    }
    const Sensitivity joined = join_chunks(chunks);
    EXPECT_EQ(joined.images, whole.images);
    for (const auto& [name, node] : whole.nodes) {
        EXPECT_TRUE(at::allclose(node.token_norm, joined.nodes.at(name).token_norm, 1e-4, 1e-7))
            << name;
    }
}

TEST(Sensitivity, KeptRowsStandForAllRows) {
    const test::Toy toy;
    const Sensitivity measured = toy.sensitivity();
    for (const char* name : {"blocks.0.attn.qkv", "blocks.1.mlp.fc2", "head"}) {
        const NodeSensitivity& node = measured.nodes.at(name);
        ASSERT_EQ(node.rows.size(0), 16) << name;  // four of each of four images
        // Every kept row stands for a quarter of its image's squared norm, so the trace is exact.
        const double trace = node.rows.square().sum(at::kDouble).item<double>();
        const double all = node.squares.sum().item<double>();
        EXPECT_NEAR(trace, all, 1e-4 * all) << name;
    }
    EXPECT_FALSE(measured.nodes.at("blocks.0").rows.defined());
}

TEST(Sensitivity, ComesBackFromItsFile) {
    const test::Toy toy;
    const Sensitivity measured = toy.sensitivity();
    const Sensitivity back = sensitivity_from_bundle(to_bundle(measured, Json::object()));
    EXPECT_EQ(back.nodes.size(), measured.nodes.size());
    for (const auto& [name, node] : measured.nodes) {
        EXPECT_TRUE(at::equal(node.token_norm, back.nodes.at(name).token_norm)) << name;
        EXPECT_TRUE(at::equal(node.squares, back.nodes.at(name).squares)) << name;
        ASSERT_EQ(node.rows.defined(), back.nodes.at(name).rows.defined()) << name;
        if (node.rows.defined()) {
            EXPECT_TRUE(at::equal(node.rows, back.nodes.at(name).rows)) << name;
        }
    }
}

TEST(Sensitivity, WeightsHaveMeanOneAndBounds) {
    at::Tensor norms = at::full({2, 50}, 1e-6);
    norms[0][3] = 1e6;
    const at::Tensor weights = token_weights(norms, {});
    EXPECT_NEAR(weights.mean().item<double>(), 1.0, 1e-6);
    EXPECT_GT(weights.min().item<double>(), 0.0);
    EXPECT_LT(weights.max().item<double>(), 100.0);
    EXPECT_TRUE(at::equal(token_weights(norms, {.power = 0}), at::ones_like(norms)));
    const at::Tensor by_class = token_weights(norms, {.source = TokenSource::class_token});
    const std::int64_t rows = norms.size(1);
    EXPECT_NEAR(by_class.mean().item<double>(), 1.0, 1e-6);
    EXPECT_NEAR(by_class[0][0].item<double>(), by_class[0].slice(0, 1, rows).sum().item<double>(),
                1e-5);
    EXPECT_TRUE(at::equal(token_weights(at::zeros({3, 2}), {}), at::ones({3, 2})));
}

}  // namespace
}  // namespace aocq::quant
