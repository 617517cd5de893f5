// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnableStep.hpp"

#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include <cmath>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "quant/Simulate.hpp"

namespace aocq::quant {
namespace {

const Site place{"x", SiteKind::linear_input, 0, nn::Operand::first, ""};

Quantizer quantizer_of(int bits, float low, float high, Symmetry symmetry = Symmetry::asymmetric) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.symmetry = symmetry;
    return {"x", scheme, {grid_from_range(low, high, bits, symmetry)}, true};
}

// Values on both sides of the range [-0.8, 1.1], none of them on a border.
at::Tensor values() {
    return test::formula("values", {40, 8}) * 5.0 + 0.137;
}

std::vector<at::Tensor> gradients_of(const LearnableStep& step, const at::Tensor& x,
                                     const at::Tensor& outer, double progress) {
    const c10::AutoGradMode on(true);
    return nn::gradients((step(x, progress) * outer).sum(), step.leaves());
}

TEST(LearnableStep, StartsAsTheQuantizerItWasMadeFrom) {
    const at::Tensor x = values();
    for (const Symmetry symmetry : {Symmetry::asymmetric, Symmetry::symmetric}) {
        const Quantizer start = quantizer_of(4, -0.8F, 1.1F, symmetry);
        const at::Tensor expected = fake_quantize(x, place, start);
        for (const StepForm form : {StepForm::lsq, StepForm::pact, StepForm::dsq}) {
            const LearnableStep step(form, place, start);
            const Quantizer same = step.quantizer();
            EXPECT_NEAR(same.grids[0].scale, start.grids[0].scale, 1e-6F * start.grids[0].scale);
            EXPECT_EQ(same.grids[0].zero_point, start.grids[0].zero_point);
            if (form == StepForm::dsq) continue;
            EXPECT_LT((step(x, 1.0) - expected).abs().max().item<double>(), 1e-5)
                << step_forms.name(form);
        }
    }
}

TEST(LearnableStep, SoftStaircaseHardensToTheQuantizer) {
    const at::Tensor x = values();
    const Quantizer start = quantizer_of(4, -0.8F, 1.1F);
    const LearnableStep step(StepForm::dsq, place, start);
    const at::Tensor expected = fake_quantize(x, place, start);
    const auto mean_distance = [&](double progress) {
        return (step(x, progress) - expected).abs().mean().item<double>();
    };
    EXPECT_LT(mean_distance(1.0), 0.85 * mean_distance(0.5));
    EXPECT_LT(mean_distance(0.5), 0.9 * mean_distance(0.0));
}

// d xhat / d step by the published rule: q - x / step inside, the end code outside; through the
// logarithm and LSQ's scale.
TEST(LearnableStep, LsqGradientIsThePublishedRule) {
    const at::Tensor x = values();
    const Quantizer start = quantizer_of(4, -0.8F, 1.1F);
    const LearnableStep step(StepForm::lsq, place, start);
    const at::Tensor outer = test::formula("outer", {40, 8});
    const auto found = gradients_of(step, x, outer, 0.0);
    const double s = start.grids[0].scale, z = start.grids[0].zero_point;
    double of_step = 0, of_zero = 0;
    for (std::int64_t i = 0; i < x.numel(); ++i) {
        const double v = x.view({-1})[i].item<double>();
        const double weight = outer.view({-1})[i].item<double>();
        const double position = v / s + z;
        const bool inside = position >= 0 && position <= 15;
        of_step += weight * (inside ? std::nearbyint(v / s) - v / s : (position < 0 ? -z : 15 - z));
        of_zero += weight * (inside ? 0.0 : -s);
    }
    const double share = 1.0 / std::sqrt(320.0 * 15.0);
    EXPECT_NEAR(found[0].item<double>(), of_step * s * share, 1e-4 * std::abs(of_step * s * share));
    EXPECT_NEAR(found[1].item<double>(), of_zero * 15 * share,
                1e-4 * std::abs(of_zero * 15 * share));
}

// With its rounding residuals held fast xhat is smooth in the step: the straight-through gradient
// is that function's.
TEST(LearnableStep, LsqGradientIsTheFiniteDifferenceWithTheResidualsHeld) {
    const at::Tensor x = values().to(at::kDouble);
    const Quantizer start = quantizer_of(4, -0.8F, 1.1F);
    const LearnableStep step(StepForm::lsq, place, start);
    const at::Tensor outer = test::formula("outer", {40, 8}).to(at::kDouble);
    const double s = start.grids[0].scale, z = start.grids[0].zero_point;
    const at::Tensor clamped = (x / s + z).clamp(0, 15), held = at::round(clamped) - clamped;
    const auto loss = [&](double log_step) {
        const double t = std::exp(log_step);
        const at::Tensor code = (x / t + z).clamp(0, 15) + held;
        return ((code - z) * t * outer).sum().item<double>();
    };
    const double h = 1e-5, at_start = std::log(s);
    const double slope = (loss(at_start + h) - loss(at_start - h)) / (2 * h);
    const double share = 1.0 / std::sqrt(320.0 * 15.0);
    const auto found = gradients_of(step, x.to(at::kFloat), outer.to(at::kFloat), 0.0);
    EXPECT_NEAR(found[0].item<double>(), slope * share, 1e-3 * std::abs(slope * share));
}

TEST(LearnableStep, PactEndsFeelTheValuesBeyondThemOnly) {
    const at::Tensor x = values();
    const Quantizer start = quantizer_of(4, -0.8F, 1.1F);
    const LearnableStep step(StepForm::pact, place, start);
    const auto found = gradients_of(step, x, at::ones_like(x), 0.0);
    const Range range = range_of(start.grids[0], 4);
    const double above = (x > range.high).sum().item<double>();
    const double below = (x < range.low).sum().item<double>();
    ASSERT_GT(above, 0);
    ASSERT_GT(below, 0);
    EXPECT_NEAR(found[0].item<double>(), above * range.high, 1e-3);
    EXPECT_NEAR(found[1].item<double>(), below * range.low, 1e-3);
    const c10::AutoGradMode on(true);
    const auto decay = nn::gradients(step.penalty(), step.leaves());
    EXPECT_NEAR(decay[0].item<double>(), 2.0, 1e-6);
}

TEST(LearnableStep, DsqGradientIsTheFiniteDifference) {
    const at::Tensor x = values();
    const LearnableStep step(StepForm::dsq, place, quantizer_of(3, -0.8F, 1.1F));
    const at::Tensor outer = test::formula("outer", {40, 8});
    const double progress = 0.3, h = 2e-4;
    const auto found = gradients_of(step, x, outer, progress);
    ASSERT_EQ(step.leaves().size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        const at::Tensor leaf = step.leaves()[i].detach();
        const auto loss_at = [&](double change) {
            const nn::NoGradients scope;
            leaf.add_(change);
            const double sum = (step(x, progress) * outer).sum(at::kDouble).item<double>();
            leaf.sub_(change);
            return sum;
        };
        const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
        EXPECT_NEAR(found[i].item<double>(), slope, 0.02 * std::abs(slope) + 0.02) << i;
    }
}

TEST(LearnableStep, EveryHeadHasAStepOfItsOwn) {
    Quantizer start = quantizer_of(4, -1.0F, 1.0F);
    start.scheme.granularity = Granularity::head;
    start.grids.push_back(grid_from_range(-0.1F, 0.2F, 4, Symmetry::asymmetric));
    const Site site{"q", SiteKind::attention_query, 0, nn::Operand::first, ""};
    const at::Tensor x = test::formula("q", {2, 2, 5, 3});
    const LearnableStep step(StepForm::lsq, site, start);
    EXPECT_EQ(step.leaves()[0].numel(), 2);
    EXPECT_LT((step(x, 0) - fake_quantize(x, site, start)).abs().max().item<double>(), 1e-6);
}

TEST(LearnableStep, LogarithmicAndDynamicQuantizersAreNotLearned) {
    Quantizer q = quantizer_of(4, 0.0F, 1.0F);
    EXPECT_TRUE(learnable(q));
    q.scheme.codec = Codec::log2;
    EXPECT_FALSE(learnable(q));
    q.scheme.codec = Codec::uniform;
    q.scheme.mode = Mode::dynamic;
    EXPECT_FALSE(learnable(q));
}

}  // namespace
}  // namespace aocq::quant
