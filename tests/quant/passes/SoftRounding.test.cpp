// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/SoftRounding.hpp"

#include <gtest/gtest.h>

#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

at::Tensor lower_codes() {
    return at::floor(test::formula("lower", {6, 5}).to(at::kDouble).abs() * 20.0);
}

at::Tensor shares() {
    return test::formula("share", {6, 5}).to(at::kDouble).abs().clamp(0.1, 0.9);
}

TEST(SoftRounding, StartsAtTheShare) {
    SoftRounding rounding(lower_codes().clamp(0, 14), shares(), 15, {});
    EXPECT_LT((rounding.codes() - lower_codes().clamp(0, 14) - shares()).abs().max().item<double>(),
              1e-12);
}

TEST(SoftRounding, FollowsTheGradientOfLossAndRegularizer) {
    SoftOptions options;
    options.warmup = 0.0;
    options.first_beta = 3.0;
    options.regularizer = 0.7;
    const at::Tensor outer = test::formula("outer", {6, 5}).to(at::kDouble),
                     lower = lower_codes().clamp(0, 14);
    SoftRounding rounding(lower, shares(), 15, options);
    const auto loss = [&] {
        const at::Tensor codes = rounding.codes();
        const at::Tensor h = codes - lower;
        return ((codes * outer).sum() + 0.7 * (1 - (2 * h - 1).abs().pow(3.0)).sum())
            .item<double>();
    };
    loss();
    const at::Tensor found = rounding.gradient_to_variables(outer).flatten();
    const at::Tensor v = rounding.variables().view({-1});
    for (std::int64_t i = 0; i < v.numel(); ++i) {
        const double h = 1e-6;
        v[i].add_(h);
        const double above = loss();
        v[i].sub_(2 * h);
        const double below = loss();
        v[i].add_(h);
        EXPECT_NEAR(found[i].item<double>(), (above - below) / (2 * h), 1e-6) << i;
    }
}

TEST(SoftRounding, EndsAtWholeCodesWithinTheGrid) {
    SoftOptions options;
    options.iterations = 400;
    options.rate = 0.05;
    const at::Tensor lower = at::floor(test::formula("lower", {6, 5}) * 40.0).clamp(-1, 15);
    const at::Tensor share = shares().to(at::kFloat), wanted = test::formula("outer", {6, 5});
    SoftRounding rounding(lower, share, 15, options);
    for (int i = 0; i < options.iterations; ++i) {
        rounding.codes();
        rounding.step(wanted * 30.0);
    }
    EXPECT_LT(rounding.undecided(), 1e-3);
    const at::Tensor codes = rounding.rounded();
    EXPECT_TRUE(at::equal(codes, at::round(codes)));
    EXPECT_GE(codes.min().item<double>(), 0);
    EXPECT_LE(codes.max().item<double>(), 15);
    // The loss is linear in every code: each goes to the side where it falls.
    const at::Tensor up = at::logical_and(wanted < 0, at::logical_and(lower >= 0, lower < 15));
    const at::Tensor expected = (lower + up.to(at::kFloat)).clamp(0, 15);
    const at::Tensor free = at::logical_and(lower >= 0, lower < 15);
    EXPECT_TRUE(at::equal(codes.masked_select(free), expected.masked_select(free)));
}

}  // namespace
}  // namespace aocq::quant
