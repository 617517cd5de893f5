// SPDX-License-Identifier: Apache-2.0
#include "metrics/ImageResult.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

std::vector<ImageResult> example() {
    return {{0, 7, {7, 1, 2, 3, 4}, 0.1, true},
            {1, 7, {1, 2, 7, 3, 4}, 0.2, false},
            {2, 7, {1, 2, 3, 4, 5}, 0.6, true}};
}

TEST(Summarize, CountsAndAverages) {
    const Summary summary = summarize(example());
    EXPECT_EQ(summary.n, 3);
    EXPECT_EQ(summary.top1, 1);
    EXPECT_EQ(summary.top5, 2);
    EXPECT_EQ(summary.agree, 2);
    EXPECT_DOUBLE_EQ(summary.kl_mean, 0.3);
    // deviations -0.2, -0.1, 0.3: variance 0.14 / 2
    EXPECT_DOUBLE_EQ(summary.kl_standard_error, std::sqrt(0.07 / 3));
}

TEST(Summarize, GivesTheSameBitsInAnyOrder) {
    std::vector<ImageResult> results;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ImageResult result;
        result.index = i;
        result.kl = std::pow(10.0, static_cast<double>(i % 17) - 8);
        results.push_back(result);
    }
    const Summary summary = summarize(results);
    std::rotate(results.begin(), results.begin() + 333, results.end());
    std::reverse(results.begin(), results.begin() + 500);
    EXPECT_EQ(summarize(results), summary);
}

TEST(Summarize, OfNothingIsZero) {
    EXPECT_EQ(summarize({}), Summary{});
}

TEST(Summarize, RefusesAnImageTwiceAndADivergenceThatIsNotFinite) {
    auto results = example();
    results[2].index = 0;
    EXPECT_THROW(summarize(results), Error);
    results = example();
    results[1].kl = std::numeric_limits<double>::quiet_NaN();
    try {
        summarize(results);
        FAIL() << "was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::numeric);
        EXPECT_EQ(error.field("image"), "1");
    }
}

TEST(ImageResult, AMissingClassIsNeverRight) {
    ImageResult result;
    result.label = 0;
    EXPECT_FALSE(result.right());
    EXPECT_FALSE(result.right_within_5());
}

}  // namespace
}  // namespace aocq::metrics
