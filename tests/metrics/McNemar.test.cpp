// SPDX-License-Identifier: Apache-2.0
#include "metrics/McNemar.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

TEST(McNemar, EqualsTheBinomialTailByHand) {
    // 1 of 6: 2 · (1 + 6) / 64; less 6 / 64
    const McNemar test = mcnemar(5, 1);
    EXPECT_NEAR(test.exact, 14.0 / 64, 1e-14);
    EXPECT_NEAR(test.mid_p, 8.0 / 64, 1e-14);
    EXPECT_EQ(test.only_first, 5);
}

TEST(McNemar, IsTheSameBothWays) {
    EXPECT_EQ(mcnemar(3, 9).exact, mcnemar(9, 3).exact);
    // 2 · (1 + 12 + 66 + 220) / 4096 and 220 / 4096 less
    EXPECT_NEAR(mcnemar(3, 9).exact, 598.0 / 4096, 1e-14);
    EXPECT_NEAR(mcnemar(3, 9).mid_p, 378.0 / 4096, 1e-14);
}

TEST(McNemar, SeesNothingInEqualCounts) {
    for (const int count : {0, 1, 50}) {
        EXPECT_EQ(mcnemar(count, count).exact, 1);
        EXPECT_EQ(mcnemar(count, count).mid_p, 1);
    }
}

TEST(McNemar, NeverExceedsOne) {
    // 10 against 11: twice the tail is exactly 1.
    EXPECT_LE(mcnemar(10, 11).exact, 1);
    EXPECT_NEAR(mcnemar(10, 11).exact, 1, 1e-12);
}

TEST(McNemar, CopesWithManyImages) {
    // The sum of 10001 binomial coefficients over 2^20500, in exact fractions.
    const McNemar test = mcnemar(10500, 10000);
    EXPECT_NEAR(test.exact, 4.915393992266735e-4, 1e-12);
    EXPECT_LT(test.mid_p, test.exact);
}

std::vector<ImageResult> results(const std::vector<bool>& right) {
    std::vector<ImageResult> all;
    for (std::size_t i = 0; i < right.size(); ++i) {
        ImageResult result;
        result.index = static_cast<std::uint32_t>(i);
        result.label = 3;
        result.top5[0] = right[i] ? 3 : 4;
        all.push_back(result);
    }
    return all;
}

TEST(McNemar, PairsImagesByIndex) {
    const auto first = results({true, true, false, true, false});
    auto second = results({true, false, true, false, false});
    std::swap(second[0], second[4]);  // order does not matter
    const McNemar test = mcnemar(first, second);
    EXPECT_EQ(test.only_first, 2);
    EXPECT_EQ(test.only_second, 1);
    EXPECT_EQ(test.exact, 1);
}

TEST(McNemar, RefusesOtherImages) {
    const auto first = results({true, true});
    auto second = results({true, true});
    second[1].index = 9;
    EXPECT_THROW(mcnemar(first, second), Error);
    second[1].index = 0;  // one image twice
    EXPECT_THROW(mcnemar(first, second), Error);
    EXPECT_THROW(mcnemar(second, first), Error);
    second = results({true, true});
    second[1].label = 5;
    EXPECT_THROW(mcnemar(first, second), Error);
    EXPECT_THROW(mcnemar(first, results({true})), Error);
}

}  // namespace
}  // namespace aocq::metrics
