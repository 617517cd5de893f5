// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerMoments.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

at::Tensor quantized(const at::Tensor& u) {
    return at::round(u * 2.0) / 2.0 + 0.1;
}

// `rows` tokens with 6 channels.
struct Sample {
    at::Tensor u, x, weights;
    at::Tensor weight = test::formula("weight", {4, 6});

    explicit Sample(std::int64_t rows = 60, std::int64_t channels = 6)
        : u(test::formula("u", {rows, channels}) * 3.0 + 0.7),
          x(quantized(u)),
          weights(test::formula("w", {rows, 1}) + 0.8) {}
    LayerMoments moments() const { return layer_moments(u, quantized, weights); }
};

void expect_weighted_sums(const Sample& s, double tolerance) {
    const LayerMoments m = s.moments();
    const at::Tensor x = s.x.to(at::kDouble), u = s.u.to(at::kDouble),
                     w = s.weights.to(at::kDouble);
    const at::Tensor mean = (x * w).sum(0) / w.sum(), raw = (u * w).sum(0) / w.sum();
    EXPECT_TRUE(at::allclose(m.mean, mean, 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(m.raw_mean, raw, 1e-6, 1e-6));
    const at::Tensor centred = (x - mean) * w;
    EXPECT_TRUE(at::allclose(m.hessian, at::mm(centred.t(), x - mean), 1e-4, tolerance));
    EXPECT_TRUE(
        at::allclose(m.cross, at::mm(centred.t(), (u - raw) - (x - mean)), 1e-3, tolerance));
    EXPECT_TRUE(at::allclose(m.hessian, m.hessian.t(), 1e-5, tolerance));
}

TEST(LayerMoments, AreTheWeightedSumsInDouble) {
    const nn::NoGradients scope;
    expect_weighted_sums(Sample(), 1e-3);
}

TEST(LayerMoments, ManyRowsAndChannelsAreTheSameSums) {
    const nn::NoGradients scope;
    expect_weighted_sums(Sample(2500, 3), 1e-2);  // more than one pass
    expect_weighted_sums(Sample(40, 515), 1e-3);  // blocks of unequal width
}

TEST(LayerMoments, StayPositiveWhereQuantizationMovesTheMeanFarAway) {
    const nn::NoGradients scope;
    // Small values of many channels beside a step so large that nearly all become zero.
    const at::Tensor u = at::abs(test::formula("u", {500, 300})) * 0.3 + 0.2;
    const auto coarse = [](const at::Tensor& v) { return at::round(v / 0.9) * 0.9; };
    const LayerMoments m = layer_moments(u, coarse, at::ones({500, 1}));
    const double mean = m.hessian.diagonal().mean().item<double>();
    EXPECT_GE(at::linalg_eigvalsh(m.hessian).min().item<double>(), -1e-4 * mean);
    EXPECT_GE(m.hessian.diagonal().min().item<double>(), -1e-4 * mean);
}

TEST(LayerMoments, CrossTermMayBeLeftOut) {
    const nn::NoGradients scope;
    const Sample s;
    const LayerMoments m = layer_moments(s.u, quantized, s.weights, CrossTerm::left_out);
    EXPECT_FALSE(m.cross.defined());
    EXPECT_TRUE(at::equal(m.hessian, s.moments().hessian));
}

TEST(LayerMoments, PartsJoinToTheMomentsOfAllRows) {
    const nn::NoGradients scope;
    const Sample s;
    const auto part = [&](std::int64_t first, std::int64_t last) {
        return layer_moments(s.u.slice(0, first, last), quantized, s.weights.slice(0, first, last));
    };
    const LayerMoments joined = join(part(0, 13), part(13, 60)), all = s.moments();
    EXPECT_NEAR(joined.weight, all.weight, 1e-9 * all.weight);
    EXPECT_TRUE(at::allclose(joined.mean, all.mean, 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(joined.raw_mean, all.raw_mean, 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(joined.hessian, all.hessian, 1e-4, 1e-3));
    EXPECT_TRUE(at::allclose(joined.cross, all.cross, 1e-3, 1e-3));
}

TEST(LayerMoments, MayFollowAnotherInputThanTheOneThatIsQuantized) {
    const nn::NoGradients scope;
    const Sample s;
    const at::Tensor followed = s.u * 1.1 + test::formula("other", {60, 6}) * 0.2;
    const LayerMoments m =
        layer_moments(s.u, quantized, s.weights, CrossTerm::wanted, {followed, 1.0});
    const at::Tensor x = s.x.to(at::kDouble) - m.mean, u = followed.to(at::kDouble) - m.raw_mean,
                     w = s.weights.to(at::kDouble);
    EXPECT_TRUE(at::allclose(m.raw_mean, (followed * w).sum(0) / w.sum(), 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(m.cross, at::mm((x * w).t(), u - x), 1e-3, 1e-3));
    EXPECT_TRUE(at::equal(m.hessian, s.moments().hessian));
}

TEST(LayerMoments, AShareOfAnotherInputIsAMixtureOfTheTwo) {
    const nn::NoGradients scope;
    const Sample s;
    const at::Tensor other = s.u * 1.1 + test::formula("other", {60, 6}) * 0.2;
    const auto moments = [&](const Followed& followed) {
        return layer_moments(s.u, quantized, s.weights, CrossTerm::wanted, followed);
    };
    const LayerMoments quarter = moments({other, 0.25}),
                       mixed = moments({s.u * 0.75 + other * 0.25, 1.0});
    EXPECT_TRUE(at::allclose(quarter.cross, mixed.cross, 1e-4, 1e-4));
    EXPECT_TRUE(at::allclose(quarter.raw_mean, mixed.raw_mean, 1e-6, 1e-6));
    EXPECT_TRUE(at::equal(moments({other, 0.0}).cross, s.moments().cross));
}

TEST(LayerMoments, CompensatedWeightSolvesTheRidgeProblem) {
    const nn::NoGradients scope;
    const Sample s;
    const LayerMoments m = s.moments();
    for (const double ridge : {0.01, 0.1, 1.0}) {
        const at::Tensor best = compensated(s.weight, m, ridge);
        const double penalty = ridge * m.hessian.diagonal().mean().item<double>();
        const at::Tensor x = (s.x.to(at::kDouble) - m.mean), u = s.u.to(at::kDouble) - m.raw_mean;
        const at::Tensor w = s.weight.to(at::kDouble), d = s.weights.to(at::kDouble);
        const auto loss = [&](const at::Tensor& candidate) {
            const at::Tensor miss = at::mm(x, candidate.t()) - at::mm(u, w.t());
            return (miss.square() * d).sum().item<double>() +
                   penalty * (candidate - w).square().sum().item<double>();
        };
        const double at_best = loss(best);
        EXPECT_LT(at_best, loss(w));
        // A minimum: small steps in any direction raise the loss.
        for (std::int64_t i = 0; i < 24; ++i) {
            for (const double step : {-1e-3, 1e-3}) {
                at::Tensor moved = best.clone();
                moved.view({-1})[i] += step;
                EXPECT_GT(loss(moved), at_best - 1e-9);
            }
        }
    }
}

TEST(LayerMoments, ExactInputNeedsNoCompensation) {
    const nn::NoGradients scope;
    const Sample s;
    const LayerMoments m = layer_moments(
        s.u, [](const at::Tensor& u) { return u; }, s.weights);
    EXPECT_TRUE(at::equal(compensated(s.weight, m, 0.01), s.weight.to(at::kDouble)));
}

}  // namespace
}  // namespace aocq::quant
