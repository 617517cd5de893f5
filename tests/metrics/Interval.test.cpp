// SPDX-License-Identifier: Apache-2.0
#include "metrics/Interval.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

TEST(Wilson, EqualsAWorkedExample) {
    // 15 of 148 without continuity correction: 0.0624 to 0.1605 (Newcombe, Stat. Med. 17 (1998)
    // 857, table I).
    const Interval interval = wilson(15, 148);
    EXPECT_NEAR(interval.low, 0.0624, 5e-5);
    EXPECT_NEAR(interval.high, 0.1605, 5e-5);
}

TEST(Wilson, HasClosedFormsAtTheEnds) {
    // z² / (n + z²)
    const double z2 = normal_quantile_975 * normal_quantile_975;
    EXPECT_EQ(wilson(0, 20).low, 0);
    EXPECT_NEAR(wilson(0, 20).high, z2 / (20 + z2), 1e-12);
    EXPECT_NEAR(wilson(20, 20).low, 20 / (20 + z2), 1e-12);
    EXPECT_EQ(wilson(20, 20).high, 1);
}

TEST(Wilson, IsSymmetricAroundOneHalf) {
    const Interval interval = wilson(200, 400);
    EXPECT_NEAR(interval.low + interval.high, 1, 1e-12);
    EXPECT_NEAR(interval.half_width(), 0.0487652, 1e-6);  // z/2 / sqrt(n + z²)
}

TEST(Wilson, KnowsNothingFromNoImages) {
    EXPECT_EQ(wilson(0, 0).low, 0);
    EXPECT_EQ(wilson(0, 0).high, 1);
    EXPECT_THROW(wilson(3, 2), Error);
}

TEST(MeanOf, GivesDeviationOfTheSample) {
    const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
    const Mean mean = mean_of(values);
    EXPECT_EQ(mean.n, 8);
    EXPECT_DOUBLE_EQ(mean.value, 5);
    EXPECT_DOUBLE_EQ(mean.deviation, std::sqrt(32.0 / 7));
    EXPECT_DOUBLE_EQ(mean.standard_error, std::sqrt(32.0 / 7 / 8));
}

TEST(MeanOf, OneOrNoValueHasNoDeviation) {
    EXPECT_EQ(mean_of(std::vector<double>{3}).value, 3);
    EXPECT_EQ(mean_of(std::vector<double>{3}).deviation, 0);
    EXPECT_EQ(mean_of({}).n, 0);
}

TEST(NormalInterval, IsTwoStandardErrorsOnEachSide) {
    const Interval interval = normal_interval(10, 2, 1.5);
    EXPECT_DOUBLE_EQ(interval.low, 7);
    EXPECT_DOUBLE_EQ(interval.high, 13);
}

}  // namespace
}  // namespace aocq::metrics
