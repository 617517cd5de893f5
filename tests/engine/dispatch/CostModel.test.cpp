// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/CostModel.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "engine/dispatch/Graphs.hpp"

namespace aocq::engine {
namespace {

using test::make_unit;

UnitGraph two_kinds() {
    return UnitGraph({make_unit(0, {}, 1, "a"), make_unit(1, {}, 2, "a"), make_unit(2, {}, 4, "b"),
                      make_unit(3, {}, 0, "b")});
}

TEST(CostModel, BelievesEstimatesAtFirst) {
    const UnitGraph graph = two_kinds();
    const CostModel costs(graph);
    EXPECT_DOUBLE_EQ(costs.seconds(1), 2);
    EXPECT_GT(costs.seconds(3), 0);  // no estimate of zero, which no factor could correct
    EXPECT_FALSE(costs.outdated());
}

TEST(CostModel, CorrectsAKindByWhatItTook) {
    const UnitGraph graph = two_kinds();
    CostModel costs(graph);
    costs.observe(0, 3);
    costs.observe(2, 4);
    EXPECT_TRUE(costs.outdated());
    EXPECT_DOUBLE_EQ(costs.seconds(1), 2);  // until adopted
    costs.adopt();
    EXPECT_FALSE(costs.outdated());
    EXPECT_DOUBLE_EQ(costs.seconds(1), 6);
    EXPECT_DOUBLE_EQ(costs.seconds(2), 4);
}

TEST(CostModel, UnseenKindsFollowTheWholeMachine) {
    const UnitGraph graph = two_kinds();
    CostModel costs(graph);
    costs.observe(0, 3);
    costs.adopt();
    EXPECT_DOUBLE_EQ(costs.seconds(2), 12);
}

TEST(CostModel, CountsOnlyWhatIsLeft) {
    const UnitGraph graph = two_kinds();
    CostModel costs(graph);
    costs.drop(2);
    costs.drop(0);
    EXPECT_NEAR(costs.seconds_left(), 2, 0.01);
}

TEST(CostModel, IgnoresDurationsThatAreNone) {
    const UnitGraph graph = two_kinds();
    CostModel costs(graph);
    costs.observe(0, -1);
    costs.observe(0, std::numeric_limits<double>::quiet_NaN());
    costs.adopt();
    EXPECT_DOUBLE_EQ(costs.seconds(0), 1);
}

}  // namespace
}  // namespace aocq::engine
