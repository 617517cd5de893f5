// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceGradient.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/LayerBalance.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t channels = 12;

SiteScheme scheme_of(int bits, Granularity granularity) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.granularity = granularity;
    return scheme;
}

Rows some_rows() {
    return {test::formula("x", {80, channels}) * 3.0 + 0.2, test::formula("t", {80, 1}) + 1.0};
}

Extremes extremes_of(const at::Tensor& x) {
    return {std::get<0>(x.min(0)), std::get<0>(x.max(0))};
}

TEST(BalanceGradient, InputLossIsTheWeightedOutputErrorOfRounding) {
    const nn::NoGradients scope;
    const Rows rows = some_rows();
    const at::Tensor weight = test::formula("w", {7, channels});
    const LayerError layer(weight);
    const Site site{"x", SiteKind::linear_input, 0, nn::Operand::first, ""};
    for (const Symmetry symmetry : {Symmetry::symmetric, Symmetry::asymmetric}) {
        for (const float factor : {0.5F, 1.0F, 1.4F}) {
            SiteScheme scheme = scheme_of(4, Granularity::tensor);
            scheme.symmetry = symmetry;
            const Balance balance{test::formula("s", {channels}).exp(),
                                  test::formula("m", {channels}) * 0.3};
            const Extremes extremes = extremes_of(rows.x);
            const Range range = extremes.balanced(balance);
            const Quantizer quantizer{
                "x",
                scheme,
                {grid_from_range(range.low * factor, range.high * factor, 4, symmetry)},
                true};
            const at::Tensor balanced = (rows.x - balance.shift) / balance.scale;
            const at::Tensor missed =
                (fake_quantize(balanced.contiguous(), site, quantizer) - balanced) * balance.scale;
            const double expected = layer(missed, rows.weights);
            const double found =
                input_loss(rows, extremes, balance, factor, scheme, layer).item<double>();
            EXPECT_NEAR(found, expected, 0.02 * expected) << factor;
        }
    }
}

TEST(BalanceGradient, WeightLossIsTheErrorOnTheFittedGridsToBeginWith) {
    const nn::NoGradients scope;
    const at::Tensor weight = test::formula("w", {7, channels}), x = some_rows().x;
    const at::Tensor moment = at::mm(x.t(), x), scale = test::formula("s", {channels}).exp();
    const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
    Quantizer fitted{"weight", scheme_of(4, Granularity::channel), {}, false};
    fit_weight_quantizer(weight * scale, site, fitted);
    const at::Tensor missed =
        (fake_quantize(weight * scale, site, fitted) - weight * scale) / scale;
    const double expected = (at::mm(missed, moment) * missed).sum().item<double>();
    const WeightLoss loss(weight, moment, fitted, scale);
    EXPECT_NEAR(loss(scale).item<double>(), expected, 1e-4 * expected);
    // Twice the scale is the same weight on grids twice as wide.
    EXPECT_NEAR(loss(scale * 2.0).item<double>(), expected, 1e-4 * expected);
}

TEST(BalanceGradient, AChannelThatTheLayerHardlyReadsMayBeMadeSmall) {
    const Rows rows = some_rows();
    at::Tensor weight = test::formula("w", {7, channels}).clone();
    weight.select(1, 3).mul_(0.01);
    at::Tensor x = rows.x.clone();
    x.select(1, 3).mul_(5.0);  // decides the range
    const Rows wide{x, rows.weights};
    const LayerError layer(weight);
    const at::Tensor scale = nn::leaf(at::ones({channels}));
    const at::Tensor loss = input_loss(wide, extremes_of(x), {scale, at::zeros({channels})}, 1.0F,
                                       scheme_of(4, Granularity::tensor), layer);
    const at::Tensor slope = nn::gradients(loss, {scale}).front();
    EXPECT_LT(slope[3].item<float>(), 0.0F);  // a larger scale makes its values smaller
}

// Bell-shaped values, channels of very different width.
at::Tensor uneven_values() {
    at::Tensor x = at::zeros({8, 100, channels});
    for (const char* part : {"a", "b", "c", "d", "e", "f"})
        x += test::formula(part, {8, 100, channels});
    return x * (test::formula("width", {channels}) * 2.0).exp();
}

TEST(BalanceGradient, RefinedScalesLowerTheErrorWhereExponentsAreCoarse) {
    const nn::NoGradients scope;
    const Quantizer input{"x", scheme_of(4, Granularity::tensor), {}, false},
        rounded{"w", scheme_of(4, Granularity::channel), {}, false};
    BalanceOptions options;
    options.alphas = {0.0, 0.4};
    options.margin = 0;
    const LayerTask task{uneven_values(), at::ones({8, 100}), test::formula("w", {10, channels}),
                         &input, &rounded};
    const LayerSearch plain(options, task);
    const auto best = plain.best();
    EXPECT_EQ(plain.refined(best).error(), best.error());  // none wanted
    options.refinements = 60;
    options.refinement_rate = 0.05;
    const LayerSearch search(options, task);
    const auto refined = search.refined(best);
    ASSERT_TRUE(refined.log_factor.defined());
    EXPECT_LT(refined.error(), 0.9 * best.error());
    EXPECT_LT(search.judge(refined).error(), search.judge(best).error());
    EXPECT_NEAR(refined.balance.scale.log().mean().item<float>(), 0.0F, 1e-4F);
}

}  // namespace
}  // namespace aocq::quant
