// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Scheduler.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"
#include "engine/dispatch/Graphs.hpp"

namespace aocq::engine {
namespace {

using test::make_unit;
using Units = std::vector<std::uint32_t>;

TEST(Scheduler, StartsTheLongestPathFirst) {
    // 0 is expensive; 1 is cheap, but a longer chain waits for it.
    const UnitGraph graph({make_unit(0, {}, 5), make_unit(1, {}, 1), make_unit(2, {1}, 4),
                           make_unit(3, {2}, 4), make_unit(4, {}, 5)});
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(0), 1u);
    EXPECT_EQ(scheduler.next(1), 0u);  // ties: the lower index
    EXPECT_EQ(scheduler.next(2), 4u);
    EXPECT_EQ(scheduler.next(3), std::nullopt);
    EXPECT_FALSE(scheduler.finished());
}

TEST(Scheduler, HandsOutAUnitOnlyAfterAllItNeeds) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {}), make_unit(2, {0, 1})});
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(0), 0u);
    EXPECT_EQ(scheduler.next(1), 1u);
    EXPECT_TRUE(scheduler.complete(1, 1));
    EXPECT_EQ(scheduler.next(1), std::nullopt);
    EXPECT_TRUE(scheduler.complete(0, 0));
    EXPECT_EQ(scheduler.next(1), 2u);
    EXPECT_TRUE(scheduler.complete(2, 1));
    EXPECT_TRUE(scheduler.finished());
    EXPECT_EQ(scheduler.counts().done, 3u);
}

TEST(Scheduler, AcceptsACompletionOnce) {
    const UnitGraph graph = test::flat_graph(1);
    Scheduler scheduler(graph, {});
    scheduler.next(0);
    EXPECT_TRUE(scheduler.complete(0, 0));
    EXPECT_FALSE(scheduler.complete(0, 1));
    EXPECT_EQ(scheduler.counts().done, 1u);
}

TEST(Scheduler, LeavesOutWhatIsDone) {
    const UnitGraph graph(
        {make_unit(0, {}), make_unit(1, {0}), make_unit(2, {1}), make_unit(3, {0})});
    const Units done = {1, 1};  // its need 0 is gone, say; named twice does no harm
    Scheduler scheduler(graph, done);
    EXPECT_EQ(scheduler.counts().reused, 1u);
    EXPECT_EQ(scheduler.counts().done, 1u);
    EXPECT_EQ(scheduler.next(0), 0u);  // for 3
    EXPECT_EQ(scheduler.next(0), 2u);  // ready at once
    scheduler.complete(0, 0);
    EXPECT_EQ(scheduler.next(0), 3u);
    scheduler.complete(2, 0);
    scheduler.complete(3, 0);
    EXPECT_TRUE(scheduler.finished());
    EXPECT_EQ(scheduler.counts().done, 4u);
}

TEST(Scheduler, IsFinishedAtOnceWhenAllIsDone) {
    const UnitGraph graph = test::flat_graph(2);
    const Units done = {0, 1};
    EXPECT_TRUE(Scheduler(graph, done).finished());
    EXPECT_TRUE(Scheduler(graph, done).counts().seconds_left < 1e-9);
}

TEST(Scheduler, FailureBlocksWhatDependsOnItAndNothingElse) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0}), make_unit(2, {1}), make_unit(3, {}),
                           make_unit(4, {2, 3}), make_unit(5, {3})});
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(0), 0u);
    EXPECT_EQ(scheduler.fail(0), (Units{1, 2, 4}));
    EXPECT_EQ(scheduler.cause(4), 0u);
    EXPECT_EQ(scheduler.cause(5), std::nullopt);
    EXPECT_EQ(scheduler.next(0), 3u);
    EXPECT_TRUE(scheduler.complete(3, 0));
    EXPECT_EQ(scheduler.next(0), 5u);
    EXPECT_EQ(scheduler.next(0), std::nullopt);
    EXPECT_TRUE(scheduler.complete(5, 0));
    EXPECT_TRUE(scheduler.finished());
    const auto counts = scheduler.counts();
    EXPECT_EQ(counts.failed, 1u);
    EXPECT_EQ(counts.blocked, 3u);
    EXPECT_EQ(counts.done, 2u);
}

TEST(Scheduler, BlockedUnitsKeepTheirFirstCause) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {}), make_unit(2, {0, 1})});
    Scheduler scheduler(graph, {});
    scheduler.next(0);
    scheduler.next(1);
    EXPECT_EQ(scheduler.fail(1), Units{2});
    EXPECT_TRUE(scheduler.fail(0).empty());
    EXPECT_EQ(scheduler.cause(2), 1u);
    EXPECT_EQ(scheduler.counts().failed, 2u);
    EXPECT_TRUE(scheduler.finished());
}

TEST(Scheduler, FailureDoesNotReachThroughWhatExistsAlready) {
    const UnitGraph graph(
        {make_unit(0, {}), make_unit(1, {0}), make_unit(2, {1}), make_unit(3, {0})});
    const Units done = {1};
    Scheduler scheduler(graph, done);
    EXPECT_EQ(scheduler.next(0), 0u);
    EXPECT_EQ(scheduler.fail(0), Units{3});
    EXPECT_EQ(scheduler.next(0), 2u);
}

TEST(Scheduler, UnitsOfALostRankAreHandedOutAgain) {
    const UnitGraph graph = test::flat_graph(3);
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(4), 0u);
    EXPECT_EQ(scheduler.next(4), 1u);
    EXPECT_EQ(scheduler.next(2), 2u);
    scheduler.lost(4);
    scheduler.lost(99);  // never had one
    EXPECT_EQ(scheduler.counts().ready, 2u);
    EXPECT_EQ(scheduler.next(2), 0u);
    EXPECT_TRUE(scheduler.complete(1, 4));  // it was alive after all
    EXPECT_EQ(scheduler.next(2), std::nullopt);
    EXPECT_TRUE(scheduler.complete(0, 2));
    EXPECT_TRUE(scheduler.complete(2, 2));
    EXPECT_TRUE(scheduler.finished());
}

TEST(Scheduler, LearnsThatAKindIsSlower) {
    std::vector<Unit> units;
    for (std::uint32_t i = 0; i < 64; ++i) units.push_back(make_unit(i, {}, 2, "fast"));
    for (std::uint32_t i = 64; i < 128; ++i) units.push_back(make_unit(i, {}, 1, "slow"));
    const UnitGraph graph(std::move(units));
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(0), 0u);  // believed to be the longer ones
    for (std::uint32_t i = 64; i < 96; ++i) {
        scheduler.observe(i, 10);
        scheduler.complete(i, 0);
    }
    scheduler.observe(0, 2);
    scheduler.complete(0, 0);
    EXPECT_EQ(scheduler.next(0), 96u);
    EXPECT_NEAR(scheduler.estimated_seconds(97), 10, 1e-9);
    EXPECT_NEAR(scheduler.counts().seconds_left, 63 * 2 + 32 * 10, 1e-6);
}

TEST(Scheduler, AUnitOfTwoRanksIsAcceptedOnce) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0})});
    Scheduler scheduler(graph, {});
    EXPECT_EQ(scheduler.next(0), 0u);
    scheduler.reissue(0, 1);
    EXPECT_EQ(scheduler.copies(0), 2);
    EXPECT_TRUE(scheduler.complete(0, 1));
    EXPECT_FALSE(scheduler.complete(0, 0));
    EXPECT_EQ(scheduler.copies(0), 0);
    EXPECT_EQ(scheduler.next(0), 1u);
    EXPECT_EQ(scheduler.counts().done, 1u);
}

TEST(Scheduler, AUnitStaysOutWhileOneOfTwoRanksHasIt) {
    const UnitGraph graph = test::flat_graph(1);
    Scheduler scheduler(graph, {});
    scheduler.next(0);
    scheduler.reissue(0, 1);
    scheduler.put_back(0, 0);
    EXPECT_EQ(scheduler.ready(), 0u);
    scheduler.lost(1);
    EXPECT_EQ(scheduler.ready(), 1u);
    EXPECT_EQ(scheduler.next(2), 0u);
}

TEST(Scheduler, AReopenedUnitIsDoneAgainBeforeItsReaders) {
    const UnitGraph graph(
        {make_unit(0, {}), make_unit(1, {0}), make_unit(2, {0}), make_unit(3, {})});
    Scheduler scheduler(graph, {});
    scheduler.next(0);  // 0, the longest path
    scheduler.complete(0, 0);
    EXPECT_EQ(scheduler.next(0), 1u);  // running while its input is found damaged
    scheduler.reopen(0);
    scheduler.put_back(1, 0);
    EXPECT_EQ(scheduler.counts().waiting, 2u);
    EXPECT_EQ(scheduler.next(0), 0u);
    EXPECT_EQ(scheduler.next(1), 3u);
    EXPECT_EQ(scheduler.next(2), std::nullopt);
    scheduler.complete(0, 0);
    EXPECT_EQ(scheduler.next(0), 1u);
    EXPECT_EQ(scheduler.next(2), 2u);
    for (const std::uint32_t unit : {1u, 2u, 3u}) EXPECT_TRUE(scheduler.complete(unit, 0));
    EXPECT_TRUE(scheduler.finished());
    EXPECT_EQ(scheduler.counts().done, 4u);
}

TEST(Scheduler, AReaderThatRunsThroughItsInputsReopeningCountsOnce) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0})});
    Scheduler scheduler(graph, {});
    scheduler.next(0);
    scheduler.complete(0, 0);
    scheduler.next(0);
    scheduler.reopen(0);
    EXPECT_TRUE(scheduler.complete(1, 0));  // it had read the file before
    EXPECT_EQ(scheduler.next(0), 0u);
    EXPECT_TRUE(scheduler.complete(0, 0));
    EXPECT_TRUE(scheduler.finished());
}

TEST(Scheduler, RefusesUnitsOutOfRange) {
    const UnitGraph graph = test::flat_graph(1);
    Scheduler scheduler(graph, {});
    EXPECT_THROW(scheduler.complete(1, 0), Error);
    EXPECT_THROW(scheduler.fail(1), Error);
    const Units done = {1};
    EXPECT_THROW(Scheduler(graph, done), Error);
}

}  // namespace
}  // namespace aocq::engine
