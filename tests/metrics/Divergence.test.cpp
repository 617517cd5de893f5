// SPDX-License-Identifier: Apache-2.0
#include "metrics/Divergence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

TEST(KlDivergence, EqualsTheFormulaForTwoClasses) {
    // p = (3/4, 1/4), q = (1/2, 1/2): 3/4 ln(3/2) + 1/4 ln(1/2)
    const std::vector<float> p{std::log(3.0F), 0}, q{5, 5};
    EXPECT_NEAR(kl_divergence(p, q), 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-7);
    // The other way round: 1/2 ln(2/3) + 1/2 ln 2
    EXPECT_NEAR(kl_divergence(q, p), 0.5 * std::log(2.0 / 3) + 0.5 * std::log(2.0), 1e-7);
}

TEST(KlDivergence, IsZeroForLogitsThatDifferByAConstant) {
    const std::vector<float> p{1, 2, 3}, q{101, 102, 103};
    EXPECT_NEAR(kl_divergence(p, q), 0, 1e-15);
    EXPECT_GE(kl_divergence(p, q), 0);
    EXPECT_EQ(kl_divergence(p, p), 0);
}

TEST(KlDivergence, StaysFiniteForExtremeLogits) {
    // p is all but certain of class 0; q gives it e^-2000.
    const std::vector<float> p{1000, -1000}, q{-1000, 1000};
    EXPECT_DOUBLE_EQ(kl_divergence(p, q), 2000);
}

TEST(KlDivergence, RefusesWhatIsNotFinite) {
    const std::vector<float> p{1, 2}, q{1, std::numeric_limits<float>::infinity()};
    EXPECT_THROW(kl_divergence(p, q), Error);
    EXPECT_THROW(kl_divergence(q, p), Error);
}

}  // namespace
}  // namespace aocq::metrics
