// SPDX-License-Identifier: Apache-2.0
// run_units on one rank, with its real threads.
#include "engine/dispatch/Dispatch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <thread>

#include "engine/dispatch/Events.hpp"
#include "engine/dispatch/Graphs.hpp"
#include "engine/dispatch/Protocol.hpp"

namespace aocq::engine {
namespace {

using test::make_unit;
using test::NotedEvents;
using Bytes = std::vector<std::byte>;

class CallRunner : public UnitRunner {
  public:
    explicit CallRunner(std::function<Bytes(const Unit&, std::stop_token)> call)
        : call_(std::move(call)) {}
    void prepare() override {
        thread = std::this_thread::get_id();
        if (before) before();
    }
    Bytes run(const Unit& unit, std::stop_token stop) override {
        EXPECT_EQ(std::this_thread::get_id(), thread);
        ++runs;
        return call_(unit, stop);
    }
    std::function<void()> before;
    std::thread::id thread;
    std::atomic<int> runs{0};

  private:
    std::function<Bytes(const Unit&, std::stop_token)> call_;
};

Bytes index_bytes(const Unit& unit, const std::stop_token&) {
    return Bytes(3, static_cast<std::byte>(unit.index));
}

Outcome run(const UnitGraph& graph, UnitRunner& runner, CoordinatorEvents& events,
            DispatchOptions options = {}) {
    return run_units(par::Communicator(), graph, runner, events, std::move(options));
}

TEST(Dispatch, OneRankDoesAllUnitsOnItsWorkerThread) {
    const UnitGraph graph = test::study_graph(4, 3, 3, 5);
    CallRunner runner(index_bytes);
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::done);
    EXPECT_EQ(events.results.size(), graph.size());
    EXPECT_NE(runner.thread, std::this_thread::get_id());
    for (const auto& [unit, bytes] : events.payloads) {
        EXPECT_EQ(bytes, Bytes(3, static_cast<std::byte>(unit)));
    }
}

TEST(Dispatch, DoneUnitsAreNotRunAgain) {
    const UnitGraph graph = test::flat_graph(5);
    CallRunner runner(index_bytes);
    NotedEvents events;
    DispatchOptions options;
    options.done = {0, 3};
    EXPECT_EQ(run(graph, runner, events, options), Outcome::done);
    EXPECT_EQ(events.done(), (std::vector<std::uint32_t>{1, 2, 4}));
    EXPECT_EQ(runner.runs, 3);
}

TEST(Dispatch, ExceptionsOfAUnitBecomeErrorsThatNameIt) {
    const UnitGraph graph({make_unit(0, {}), make_unit(1, {}), make_unit(2, {}), make_unit(3, {}),
                           make_unit(4, {0}), make_unit(5, {}), make_unit(6, {})});
    CallRunner runner([](const Unit& unit, std::stop_token) -> Bytes {
        if (unit.index == 0) throw Error::numeric("not finite").at("site", "blocks.3");
        if (unit.index == 1) throw std::bad_alloc();
        if (unit.index == 2) throw std::runtime_error("odd");
        if (unit.index == 3) throw 42;
        if (unit.index == 5) throw Stopped();
        return {};
    });
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::some_failed);
    EXPECT_EQ(events.done(), std::vector<std::uint32_t>{6});
    ASSERT_EQ(events.failures.size(), 5u);
    const auto error = [&](std::uint32_t unit) { return events.failures.at(unit).error; };
    EXPECT_EQ(error(0).kind(), ErrorKind::numeric);
    EXPECT_EQ(error(0).field("site"), "blocks.3");
    EXPECT_EQ(error(1).kind(), ErrorKind::environment);
    EXPECT_EQ(error(1).problem(), "out of memory");
    EXPECT_EQ(error(2).kind(), ErrorKind::internal);
    EXPECT_EQ(error(2).problem(), "odd");
    EXPECT_EQ(error(3).kind(), ErrorKind::internal);
    EXPECT_EQ(error(5).kind(), ErrorKind::internal);  // nobody had asked it to stop
    for (const auto& [unit, failure] : events.failures) {
        EXPECT_EQ(failure.error.field("unit"), graph.unit(unit).label);
    }
    EXPECT_EQ(events.failures.at(0).blocked, std::vector<std::uint32_t>{4});
}

TEST(Dispatch, AnUnexpectedPayloadFailsTheUnit) {
    auto unit = make_unit(0, {});
    unit.returns_payload = false;
    const UnitGraph graph({unit});
    CallRunner runner(index_bytes);
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::some_failed);
    EXPECT_EQ(events.failures.at(0).error.kind(), ErrorKind::internal);
}

TEST(Dispatch, APayloadAboveTheLimitFailsTheUnit) {
    const UnitGraph graph = test::flat_graph(1);
    CallRunner runner([](const Unit&, std::stop_token) { return Bytes(max_payload() + 1); });
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::some_failed);
    const Error& error = events.failures.at(0).error;
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_NE(error.problem().find("work 0"), std::string::npos);
}

TEST(Dispatch, StopInterruptsALongUnitAndKeepsWhatIsDone) {
    const UnitGraph graph = test::flat_graph(50, 0.01);
    std::atomic<bool> long_unit_runs = false;
    CallRunner runner([&](const Unit& unit, std::stop_token stop) -> Bytes {
        if (unit.index < 5) return {};
        long_unit_runs = true;
        while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        throw Stopped();
    });
    NotedEvents events;
    DispatchOptions options;
    options.stop = [&] { return long_unit_runs.load(); };
    EXPECT_EQ(run(graph, runner, events, options), Outcome::stopped);
    EXPECT_EQ(events.done(), (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
    EXPECT_TRUE(events.failures.empty());
    EXPECT_EQ(runner.runs, 6);  // what was queued behind it was not begun
}

TEST(Dispatch, AHandlersExceptionComesBackToTheCaller) {
    const UnitGraph graph = test::flat_graph(50, 0.01);
    CallRunner runner(index_bytes);
    NotedEvents events;
    events.before_result = [](const Unit& unit) {
        if (unit.index == 3) throw Error::environment("disk full");
    };
    EXPECT_THROW(run(graph, runner, events), Error);
    EXPECT_EQ(events.results.size(), 3u);
}

TEST(Dispatch, ARankThatCannotPrepareStopsTheJob) {
    const UnitGraph graph = test::flat_graph(5);
    CallRunner runner(index_bytes);
    runner.before = [] { throw Error::environment("no device"); };
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::stopped);
    EXPECT_TRUE(events.results.empty());
    EXPECT_TRUE(events.failures.empty());
    EXPECT_EQ(runner.runs, 0);
}

TEST(Dispatch, ARankThatBreaksStopsTheJobWithoutBlamingTheUnit) {
    const UnitGraph graph = test::flat_graph(50, 0.01);
    CallRunner runner([](const Unit& unit, std::stop_token) -> Bytes {
        if (unit.index == 2) throw RankBroken(Error::environment("device error"));
        return {};
    });
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::stopped);
    EXPECT_EQ(events.done(), (std::vector<std::uint32_t>{0, 1}));
    EXPECT_TRUE(events.failures.empty());
}

TEST(Dispatch, TicksWhileAUnitRuns) {
    const UnitGraph graph = test::flat_graph(1);
    CallRunner runner([](const Unit&, std::stop_token) -> Bytes {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        return {};
    });
    NotedEvents events;
    DispatchOptions options;
    options.coordinator.tick_every = 0.05;
    EXPECT_EQ(run(graph, runner, events, options), Outcome::done);
    EXPECT_GE(events.ticks, 3);
    EXPECT_EQ(events.last.done, 1u);
}

TEST(Dispatch, AnEmptyGraphIsDone) {
    const UnitGraph graph({});
    CallRunner runner(index_bytes);
    NotedEvents events;
    EXPECT_EQ(run(graph, runner, events), Outcome::done);
}

}  // namespace
}  // namespace aocq::engine
