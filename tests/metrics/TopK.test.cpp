// SPDX-License-Identifier: Apache-2.0
#include "metrics/TopK.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

using testing::ElementsAre;

TEST(TopK, OrdersByLogit) {
    const std::vector<float> logits{0.1F, 3, -2, 2, 7};
    EXPECT_THAT(top_k(logits, 3), ElementsAre(4, 1, 3));
}

TEST(TopK, TakesTheLowerIndexOfEqualLogits) {
    const std::vector<float> logits{1, 2, 1, 2, 1, 1};
    EXPECT_THAT(top_k(logits, 4), ElementsAre(1, 3, 0, 2));
    const std::vector<float> zeros{-0.0F, 0.0F, -0.0F};
    EXPECT_THAT(top_k(zeros, 2), ElementsAre(0, 1));
}

TEST(TopK, GivesWhatThereIs) {
    const std::vector<float> logits{1, 2};
    EXPECT_THAT(top_k(logits, 5), ElementsAre(1, 0));
    EXPECT_THAT(top_k(logits, 0), ElementsAre());
    EXPECT_THAT(top5(logits), ElementsAre(1, 0, -1, -1, -1));
}

TEST(TopK, KnowsInfinitiesButRefusesNan) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> logits{1, -infinity, infinity};
    EXPECT_THAT(top_k(logits, 3), ElementsAre(2, 0, 1));
    // The NaN is last and small k is full: it must be found all the same.
    const std::vector<float> bad{1, 2, 3, std::numeric_limits<float>::quiet_NaN()};
    try {
        top_k(bad, 1);
        FAIL() << "was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::numeric);
        EXPECT_EQ(error.field("class"), "3");
    }
}

}  // namespace
}  // namespace aocq::metrics
