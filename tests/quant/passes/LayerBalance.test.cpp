// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerBalance.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "quant/Simulate.hpp"

namespace aocq::quant {
namespace {

Quantizer quantizer_of(int bits, Granularity granularity, Mode mode = Mode::fixed) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.granularity = granularity;
    scheme.mode = mode;
    return {"x", scheme, {}, false};
}

BalanceOptions all_exponents() {
    BalanceOptions options;
    options.alphas = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
    options.margin = 0;
    return options;
}

// Eight images of 25 tokens with twelve channels, one of them thirty times the others.
LayerTask outlier_task(const Quantizer* input, const Quantizer* rounded) {
    at::Tensor x = test::formula("x", {8, 25, 12}) * 2.0;
    x.select(2, 4).mul_(30.0);
    const at::Tensor weights = test::formula("t", {8, 25}) + 1.0;
    return {x, weights, test::formula("w", {10, 12}), input, rounded};
}

// The error of a candidate's exponent on the judging images, token by token in double: balance and
// range follow from the images of the search alone.
double naive(const LayerTask& task, const LayerSearch::Candidate& c) {
    const Site site{"x", SiteKind::linear_input, 0, nn::Operand::first, ""};
    const Extremes seen = ImageExtremes(task.x).of(split_images(8).search);
    const at::Tensor shift = c.shifted ? (seen.low + seen.high) / 2 : at::zeros_like(seen.low);
    const at::Tensor extent = at::maximum(seen.high - shift, shift - seen.low);
    const Balance balance{normalized_scale(relative_extent(extent).pow(c.alpha), false), shift};
    const float factor = c.range.high / seen.balanced(c.balance).high;
    const Range range = seen.balanced(balance);
    Quantizer q = *task.input;
    q.grids = {
        grid_from_range(range.low * factor, range.high * factor, q.scheme.bits, q.scheme.symmetry)};
    double sum = 0;
    for (const std::int64_t image : split_images(8).judge) {
        const at::Tensor b = (task.x[image] - balance.shift) / balance.scale;
        const at::Tensor error = (fake_quantize(b.contiguous(), site, q) - b).to(at::kDouble);
        const at::Tensor balanced = task.weight.to(at::kDouble) * balance.scale.to(at::kDouble);
        const at::Tensor out = at::mm(error, balanced.t()).square().sum(1);
        sum += (out * task.token_weights[image].to(at::kDouble)).sum().item<double>();
    }
    return sum;
}

TEST(LayerBalance, JudgesByTheWeightedOutputErrorOfTheBalancedLayer) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(4, Granularity::tensor);
    const BalanceOptions options = all_exponents();
    const LayerTask task = outlier_task(&input, nullptr);
    const LayerSearch search(options, task);
    for (const auto& candidate : {search.identity(), search.best()}) {
        const double expected = naive(task, candidate);
        EXPECT_NEAR(search.judge(candidate).error(), expected, 1e-3 * expected);
    }
}

TEST(LayerBalance, OutlierChannelIsScaledDownAndTheErrorFalls) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(4, Granularity::tensor),
                    rounded = quantizer_of(8, Granularity::channel);
    const BalanceOptions options = all_exponents();
    const LayerSearch search(options, outlier_task(&input, &rounded));
    const auto before = search.identity(), best = search.best();
    EXPECT_GT(best.alpha, 0);
    EXPECT_LT(best.error(), 0.5 * before.error());
    EXPECT_LT(search.judge(best).error(), 0.5 * search.judge(before).error());
    EXPECT_GT(best.balance.scale[4].item<float>(), 2 * best.balance.scale[3].item<float>());
    EXPECT_LT(search.predicted(best), search.predicted(before));
}

TEST(LayerBalance, WhereNothingMayBeShiftedNothingIs) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(4, Granularity::tensor);
    const BalanceOptions options = all_exponents();
    LayerTask task = outlier_task(&input, nullptr);
    task.x = task.x + 3.0;  // a shift would gain much
    EXPECT_TRUE(LayerSearch(options, task).best().shifted);
    task.may_shift = false;
    const LayerSearch search(options, task);
    EXPECT_FALSE(search.best().shifted);
    EXPECT_EQ(search.best().balance.shift.abs().max().item<float>(), 0.0F);
}

TEST(LayerBalance, OutliersThatOneImageAloneShowsAreNotBalanced) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(8, Granularity::tensor);
    const BalanceOptions options = all_exponents();
    LayerTask task = outlier_task(&input, nullptr);
    task.x = test::formula("x", {8, 25, 12});
    for (std::int64_t image = 0; image < 8; ++image)
        task.x[image][image].fill_(0).select(0, image).fill_(30);
    // Half of the images would scale up what the other half has its outliers in.
    EXPECT_EQ(LayerSearch(options, task).best().alpha, 0.0);
}

TEST(LayerBalance, DynamicTokensAreBalancedToo) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(4, Granularity::token, Mode::dynamic);
    const BalanceOptions options = all_exponents();
    const LayerSearch search(options, outlier_task(&input, nullptr));
    EXPECT_LT(search.judge(search.best()).error(), 0.7 * search.judge(search.identity()).error());
}

TEST(LayerBalance, PowersOfTwoAreKeptTo) {
    const nn::NoGradients scope;
    const Quantizer input = quantizer_of(4, Granularity::tensor);
    BalanceOptions options = all_exponents();
    options.power_of_two = true;
    const at::Tensor logs =
        LayerSearch(options, outlier_task(&input, nullptr)).best().balance.scale.log2();
    EXPECT_TRUE(at::equal(logs, at::round(logs)));
    EXPECT_GT(logs.max().item<float>(), 0.0F);
}

}  // namespace
}  // namespace aocq::quant
