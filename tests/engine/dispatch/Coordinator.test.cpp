// SPDX-License-Identifier: Apache-2.0
// The coordinator without MPI: messages and time go in, commands come out.
#include "engine/dispatch/Coordinator.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "engine/dispatch/Events.hpp"
#include "engine/dispatch/Graphs.hpp"

namespace aocq::engine {
namespace {

using test::make_unit;
using test::NotedEvents;

// Plays the ranks: remembers who has which unit and what else they were told.
struct Table {
    Table(const UnitGraph& work, int ranks, CoordinatorOptions options = {},
          std::vector<std::uint32_t> done = {})
        : graph(work), coordinator(work, done, ranks, events, options, 0.0), size(ranks) {}

    void everybody_comes(double now = 0) {
        for (int rank = 0; rank < size; ++rank) comes(rank, now);
    }
    void comes(int rank, double now = 0) {
        coordinator.hello(rank, {"host" + std::to_string(rank), graph.fingerprint()}, now);
        read();
    }
    void reports(int rank, std::uint32_t unit, Report::Kind kind = Report::Kind::result,
                 double now = 0, const std::string& key = {}) {
        Report report;
        report.kind = kind;
        report.unit = unit;
        report.cost.seconds = 1;
        report.key = key;
        if (kind != Report::Kind::result && kind != Report::Kind::returned) {
            report.error = Error::numeric("not finite");
        }
        coordinator.report(rank, std::move(report), now);
        if (unit != no_unit) std::erase(units[rank], unit);
        read();
    }
    void read() {
        for (const Command& command : coordinator.take_commands()) {
            if (command.kind == Command::Kind::assign) units[command.rank].push_back(command.unit);
            if (command.kind == Command::Kind::stop) ++stops;
            if (command.kind == Command::Kind::end) {
                ++ends;
                outcome = command.outcome;
            }
        }
    }
    void everybody_leaves() {
        for (int rank = 0; rank < size; ++rank) coordinator.bye(rank);
    }

    const UnitGraph& graph;
    NotedEvents events;
    Coordinator coordinator;
    int size;
    std::map<int, std::vector<std::uint32_t>> units;
    int stops = 0;
    int ends = 0;
    Outcome outcome = Outcome::stopped;
};

TEST(Coordinator, WorksThroughAGraph) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {}), make_unit(2, {0, 1})});
    Table table(graph, 2);
    table.everybody_comes();
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{0});
    EXPECT_EQ(table.units[1], std::vector<std::uint32_t>{1});
    table.reports(1, 1);
    EXPECT_TRUE(table.units[1].empty());
    table.reports(0, 0);
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{2});
    EXPECT_EQ(table.ends, 0);
    table.reports(0, 2);
    EXPECT_EQ(table.ends, 2);
    EXPECT_EQ(table.outcome, Outcome::done);
    EXPECT_FALSE(table.coordinator.over());
    table.everybody_leaves();
    EXPECT_TRUE(table.coordinator.over());
    EXPECT_EQ(table.events.results.size(), 3u);
    EXPECT_EQ(table.events.last.done, 3u);  // the last tick shows the end
}

TEST(Coordinator, ServesARankThatComesLate) {
    const UnitGraph graph = test::flat_graph(2);
    Table table(graph, 2);
    table.comes(0);
    EXPECT_EQ(table.units[0].size(), 1u);
    table.comes(1, 5);
    EXPECT_EQ(table.units[1].size(), 1u);
}

TEST(Coordinator, EndsAtOnceWhenAllIsDone) {
    const UnitGraph graph = test::flat_graph(2);
    Table table(graph, 3, {}, {0, 1});
    table.read();
    EXPECT_EQ(table.ends, 3);
    EXPECT_EQ(table.outcome, Outcome::done);
    table.everybody_comes();
    EXPECT_TRUE(table.units.empty());
}

TEST(Coordinator, QueuesASecondShortUnitOnlyWhileThereIsPlenty) {
    const UnitGraph graph = test::flat_graph(8, 0.5);
    Table table(graph, 2);
    table.everybody_comes();
    EXPECT_EQ(table.units[0].size(), 2u);
    EXPECT_EQ(table.units[1].size(), 2u);
    table.reports(0, table.units[0].front());  // 4 ready: more than ranks
    EXPECT_EQ(table.units[0].size(), 2u);
    table.reports(0, table.units[0].front());
    EXPECT_EQ(table.units[0].size(), 2u);
    table.reports(0, table.units[0].front());  // 2 ready: one each
    EXPECT_EQ(table.units[0].size(), 1u);
}

TEST(Coordinator, QueuesNothingBehindALongUnit) {
    const UnitGraph graph = test::flat_graph(50, 100);
    Table table(graph, 2);
    table.everybody_comes();
    EXPECT_EQ(table.units[0].size(), 1u);
    EXPECT_EQ(table.units[1].size(), 1u);
}

TEST(Coordinator, AFailedUnitIsToldWithWhatItBlocksAndTheRestGoesOn) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0}), make_unit(2, {})});
    Table table(graph, 1);
    table.everybody_comes();
    table.reports(0, 0, Report::Kind::failure);
    ASSERT_EQ(table.events.failures.size(), 1u);
    EXPECT_EQ(table.events.failures.at(0).blocked, std::vector<std::uint32_t>{1});
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{2});
    table.reports(0, 2);
    EXPECT_EQ(table.outcome, Outcome::some_failed);
    EXPECT_EQ(table.ends, 1);
}

TEST(Coordinator, StopWaitsForWhatRunsAndKeepsItsResults) {
    const UnitGraph graph = test::flat_graph(20, 0.1);
    Table table(graph, 2);
    table.everybody_comes();
    const auto first = table.units[0];
    const auto second = table.units[1];
    table.coordinator.request_stop();
    table.coordinator.request_stop();
    table.read();
    EXPECT_EQ(table.stops, 2);
    table.reports(0, first[1], Report::Kind::returned);
    table.reports(0, first[0]);
    table.reports(1, second[1], Report::Kind::returned);
    EXPECT_EQ(table.ends, 0);
    table.reports(1, second[0], Report::Kind::returned);
    EXPECT_EQ(table.ends, 2);
    EXPECT_EQ(table.outcome, Outcome::stopped);
    EXPECT_EQ(table.events.done(), std::vector<std::uint32_t>{first[0]});
}

TEST(Coordinator, StopDuringTheLastUnitIsAnOrdinaryEnd) {
    const UnitGraph graph = test::flat_graph(1);
    Table table(graph, 1);
    table.everybody_comes();
    table.coordinator.request_stop();
    table.read();
    table.reports(0, 0);
    EXPECT_EQ(table.outcome, Outcome::done);
}

TEST(Coordinator, AnExceptionOfAHandlerEndsTheRunAndSilencesHandlers) {
    const UnitGraph graph = test::flat_graph(9);
    Table table(graph, 2);
    table.events.before_result = [](const Unit&) { throw std::runtime_error("disk full"); };
    table.everybody_comes();
    const auto first = table.units[0];
    const auto second = table.units[1];
    table.reports(0, first[0]);
    EXPECT_EQ(table.stops, 2);
    const int ticks = table.events.ticks;
    table.events.before_result = nullptr;
    for (std::size_t i = 1; i < first.size(); ++i) table.reports(0, first[i]);
    for (const auto unit : second) table.reports(1, unit);
    EXPECT_EQ(table.ends, 2);
    EXPECT_EQ(table.outcome, Outcome::stopped);
    EXPECT_TRUE(table.events.results.empty());
    EXPECT_EQ(table.events.ticks, ticks);
    ASSERT_TRUE(table.coordinator.error());
    EXPECT_THROW(std::rethrow_exception(table.coordinator.error()), std::runtime_error);
}

TEST(Coordinator, ABrokenRankStopsTheJob) {
    const UnitGraph graph = test::flat_graph(4, 10);
    Table table(graph, 2);
    table.everybody_comes();
    table.reports(1, table.units[1].front(), Report::Kind::broken);
    EXPECT_EQ(table.stops, 2);
    table.reports(0, table.units[0].front());
    EXPECT_EQ(table.outcome, Outcome::stopped);
    EXPECT_EQ(table.ends, 2);
    EXPECT_TRUE(table.events.failures.empty());  // the unit is not to blame
}

TEST(Coordinator, ARankBrokenBeforeItsFirstUnitReturnsTheOthers) {
    const UnitGraph graph = test::flat_graph(1);
    Table table(graph, 1);
    table.everybody_comes();
    table.reports(0, no_unit, Report::Kind::broken);
    EXPECT_EQ(table.ends, 0);
    table.reports(0, 0, Report::Kind::returned);
    EXPECT_EQ(table.ends, 1);
    EXPECT_EQ(table.outcome, Outcome::stopped);
}

TEST(Coordinator, WhatOnlyAPersonCanMendEndsTheRunWithItsError) {
    const UnitGraph graph = test::flat_graph(4, 10);
    Table table(graph, 2);
    table.everybody_comes();
    Report report;
    report.kind = Report::Kind::broken;
    report.remedy = Remedy::user;
    report.unit = table.units[1].front();
    report.error = Error::environment("disk full");
    table.coordinator.report(1, report, 0);
    table.read();
    table.reports(0, table.units[0].front(), Report::Kind::returned);
    EXPECT_EQ(table.ends, 2);
    ASSERT_TRUE(table.coordinator.error());
    EXPECT_THROW(std::rethrow_exception(table.coordinator.error()), Error);
}

TEST(Coordinator, AStaleInputIsMadeAgainBeforeItsReader) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0})});
    Table table(graph, 1);
    table.everybody_comes();
    table.reports(0, 0);
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{1});
    table.reports(0, 1, Report::Kind::stale, 0, "key0");
    EXPECT_EQ(table.events.reopened, std::vector<std::uint32_t>{0});
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{0});
    table.reports(0, 0);
    table.reports(0, 1);
    EXPECT_EQ(table.outcome, Outcome::done);
    EXPECT_EQ(table.ends, 1);
}

TEST(Coordinator, WhatWasSettledWithoutAFileIsMadeWhenItIsMissed) {
    // Chunk 0 and statistics 1 need not run; the statistics turn out to be damaged, then the chunk
    // to be gone.
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0}), make_unit(2, {1})});
    Table table(graph, 1, {}, {0, 1});
    table.everybody_comes();
    table.reports(0, 2, Report::Kind::stale, 0, "key1");
    table.reports(0, 1, Report::Kind::stale, 0, "key0");
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{0});
    for (const std::uint32_t unit : {0u, 1u, 2u}) table.reports(0, unit);
    EXPECT_EQ(table.outcome, Outcome::done);
}

TEST(Coordinator, AnInputThatIsStaleForEverFailsItsReader) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0})});
    Table table(graph, 1, {.reopen_limit = 2});
    table.everybody_comes();
    for (int round = 0; round < 3; ++round) {
        table.reports(0, 0);
        table.reports(0, 1, Report::Kind::stale, 0, "key0");
    }
    EXPECT_EQ(table.events.failures.count(1), 1u);
    EXPECT_EQ(table.outcome, Outcome::some_failed);
}

TEST(Coordinator, TwoReadersOfOneStaleInputReopenItOnce) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {0}), make_unit(2, {0})});
    Table table(graph, 2);
    table.everybody_comes();
    table.reports(0, 0);
    table.reports(0, table.units[0].front(), Report::Kind::stale, 0, "key0");
    table.reports(1, table.units[1].front(), Report::Kind::stale, 0, "key0");
    EXPECT_EQ(table.events.reopened, std::vector<std::uint32_t>{0});
    EXPECT_EQ(table.units[0].size() + table.units[1].size(), 1u);
}

TEST(Coordinator, AStragglerIsGivenToAnIdleRankAndAcceptedOnce) {
    const UnitGraph graph = test::flat_graph(3, 1);
    Table table(graph, 2, {.prefetch_below = 0});
    table.everybody_comes();
    table.reports(0, table.units[0].front(), Report::Kind::result, 1);
    table.reports(0, table.units[0].front(), Report::Kind::result, 2);
    const auto slow = table.units[1].front();
    table.coordinator.tick(50);
    table.read();
    EXPECT_TRUE(table.units[0].empty());
    table.coordinator.tick(70);
    table.read();
    EXPECT_EQ(table.units[0], std::vector<std::uint32_t>{slow});
    table.reports(0, slow, Report::Kind::result, 71);
    EXPECT_EQ(table.ends, 2);
    EXPECT_EQ(table.outcome, Outcome::done);
    table.reports(1, slow, Report::Kind::result, 72);
    EXPECT_EQ(table.events.results.at(slow), 1);
}

TEST(Coordinator, ViewsSayWhoDoesWhatSinceWhen) {
    const UnitGraph graph = test::flat_graph(2, 100);
    Table table(graph, 2);
    table.comes(1, 3);
    table.coordinator.tick(5);
    ASSERT_EQ(table.events.view.ranks.size(), 2u);
    EXPECT_FALSE(table.events.view.ranks[0].unit);
    EXPECT_EQ(table.events.view.ranks[1].unit, 0u);
    EXPECT_EQ(table.events.view.ranks[1].host, "host1");
    EXPECT_DOUBLE_EQ(table.events.view.ranks[1].seconds, 2);
}

TEST(Coordinator, ARankWithAnotherPlanEndsTheRun) {
    const UnitGraph graph = test::flat_graph(1);
    Table table(graph, 2);
    table.coordinator.hello(1, {"node7", "another"}, 0);
    table.read();
    ASSERT_TRUE(table.coordinator.error());
    try {
        std::rethrow_exception(table.coordinator.error());
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::environment);
        EXPECT_EQ(error.field("host"), "node7");
    }
    EXPECT_EQ(table.ends, 2);
    EXPECT_TRUE(table.units.empty());
}

TEST(Coordinator, ReportsOnUnitsNobodyGaveAreDefects) {
    const UnitGraph graph = test::flat_graph(3, 10);
    Table table(graph, 2);
    table.everybody_comes();
    EXPECT_THROW(table.reports(0, 1), Error);
    EXPECT_THROW(table.reports(0, 99), Error);
    EXPECT_THROW(table.reports(0, no_unit), Error);
}

TEST(Coordinator, TicksAFewTimesASecond) {
    const UnitGraph graph = test::flat_graph(1);
    Table table(graph, 1);
    for (int ms = 0; ms < 2000; ms += 10) table.coordinator.tick(ms * 1e-3);
    EXPECT_GE(table.events.ticks, 6);
    EXPECT_LE(table.events.ticks, 9);
}

// Polls every 100 ms; the ranks in `alive` send a heartbeat every second.
std::optional<Error> watch(Table& table, double from, double to, const std::vector<int>& alive) {
    for (int step = 0; from + step * 0.1 < to; ++step) {
        const double now = from + step * 0.1;
        if (step % 10 == 0) {
            for (const int rank : alive) table.coordinator.heard(rank, now);
        }
        if (auto error = table.coordinator.lost_rank(now)) return error;
    }
    return std::nullopt;
}

TEST(Coordinator, NamesASilentRankAndItsHost) {
    const UnitGraph graph = test::flat_graph(5, 1000);
    Table table(graph, 3);
    table.everybody_comes();
    EXPECT_FALSE(watch(table, 0, 300, {1, 2}));
    EXPECT_FALSE(watch(table, 300, 358, {1}));
    const auto error = watch(table, 358, 370, {1});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::environment);
    EXPECT_EQ(error->problem(), "rank 2 is lost");
    EXPECT_EQ(error->field("host"), "host2");
}

TEST(Coordinator, WaitsLongerForARankThatIsStillStarting) {
    const UnitGraph graph = test::flat_graph(5, 1000);
    Table table(graph, 2);
    table.comes(0);
    EXPECT_FALSE(watch(table, 0, 590, {}));
    EXPECT_TRUE(watch(table, 590, 610, {}));
}

TEST(Coordinator, ItsOwnAbsenceIsNobodysSilence) {
    const UnitGraph graph = test::flat_graph(5, 1000);
    Table table(graph, 2);
    table.everybody_comes();
    EXPECT_FALSE(watch(table, 0, 10, {1}));
    EXPECT_FALSE(table.coordinator.lost_rank(500));  // a slow disk, a suspended machine
    EXPECT_FALSE(watch(table, 500, 550, {}));
    EXPECT_TRUE(watch(table, 550, 570, {}));
}

}  // namespace
}  // namespace aocq::engine
