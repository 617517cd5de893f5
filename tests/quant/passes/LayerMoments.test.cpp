// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerMoments.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

struct Sample {
    at::Tensor u = test::formula("u", {60, 6}) * 3.0 + 0.7;
    at::Tensor x = at::round(u * 2.0) / 2.0 + 0.1;
    at::Tensor weights = test::formula("w", {60, 1}) + 0.8;
    at::Tensor weight = test::formula("weight", {4, 6});
};

TEST(LayerMoments, AreTheWeightedSumsInDouble) {
    const nn::NoGradients scope;
    const Sample s;
    const LayerMoments m = layer_moments(s.u, s.x, s.weights);
    const at::Tensor x = s.x.to(at::kDouble), u = s.u.to(at::kDouble),
                     w = s.weights.to(at::kDouble);
    const at::Tensor mean = (x * w).sum(0) / w.sum(), raw = (u * w).sum(0) / w.sum();
    EXPECT_TRUE(at::allclose(m.mean, mean, 1e-6, 1e-7));
    EXPECT_TRUE(at::allclose(m.raw_mean, raw, 1e-6, 1e-7));
    EXPECT_TRUE(at::allclose(m.hessian, at::mm(((x - mean) * w).t(), x - mean), 1e-4, 1e-4));
    EXPECT_TRUE(
        at::allclose(m.cross, at::mm(((x - mean) * w).t(), (u - raw) - (x - mean)), 1e-3, 1e-3));
}

TEST(LayerMoments, CompensatedWeightSolvesTheRidgeProblem) {
    const nn::NoGradients scope;
    const Sample s;
    const LayerMoments m = layer_moments(s.u, s.x, s.weights);
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
    const LayerMoments m = layer_moments(s.u, s.u, s.weights);
    EXPECT_TRUE(at::equal(compensated(s.weight, m, 0.01), s.weight.to(at::kDouble)));
}

}  // namespace
}  // namespace aocq::quant
