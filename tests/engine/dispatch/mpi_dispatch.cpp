// SPDX-License-Identifier: Apache-2.0
// Run under mpirun: the merged result is the same on any number of ranks, and nothing that goes
// wrong on one rank leaves another waiting. Every check that fails aborts the job with 1.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <thread>

#include "core/Log.hpp"
#include "core/Random.hpp"
#include "core/Sha256.hpp"
#include "engine/dispatch/Dispatch.hpp"
#include "engine/dispatch/Events.hpp"
#include "engine/dispatch/Graphs.hpp"
#include "par/Collective.hpp"
#include "par/MpiScope.hpp"

using namespace aocq;
using namespace aocq::engine;
using aocq::engine::test::NotedEvents;
using Bytes = std::vector<std::byte>;

namespace {

void require(const par::Communicator& world, bool holds, const std::string& what) {
    if (holds) return;
    log_error("does not hold: {}", what);
    par::abort_job(world, 1);
}

// What a unit computes depends on the unit only.
Bytes value_of(const Unit& unit) {
    RandomStream random(RandomKey(5).child(unit.key));
    Bytes bytes(unit.index == 2 ? 3'000'000 : 10 + random.below(5000));
    for (auto& byte : bytes) byte = static_cast<std::byte>(random.bits());
    return bytes;
}

std::string digest(const std::map<std::uint32_t, Bytes>& payloads) {
    Sha256 hash;
    for (const auto& [unit, bytes] : payloads) hash.update(std::to_string(unit)).update(bytes);
    return hash.hex();
}

std::string expected_digest(const UnitGraph& graph) {
    std::map<std::uint32_t, Bytes> payloads;
    for (const Unit& unit : graph.units()) payloads[unit.index] = value_of(unit);
    return digest(payloads);
}

class ToyRunner : public UnitRunner {
  public:
    Bytes run(const Unit& unit, std::stop_token stop) override {
        ++runs;
        if (during) during(unit, stop);
        return value_of(unit);
    }
    std::atomic<int> runs{0};
    std::function<void(const Unit&, const std::stop_token&)> during;
};

void sleep_ms(int ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

void same_outcome_everywhere(const par::Communicator& world, Outcome outcome, Outcome wanted) {
    for (const auto& text : par::gather_all(world, std::to_string(static_cast<int>(outcome)))) {
        require(world, text == std::to_string(static_cast<int>(wanted)), "outcome of every rank");
    }
}

struct Case {
    const par::Communicator& world;
    UnitGraph graph = test::study_graph(6, 4, 3, 12);
    ToyRunner runner{};
    NotedEvents events{};
    DispatchOptions options{};

    Outcome run() { return run_units(world, graph, runner, events, options); }
    bool is_last() const { return world.rank() == world.size() - 1; }
};

void check_merged(const par::Communicator& world, const Case& c) {
    if (world.rank() != 0) return;
    require(world, c.events.payloads.size() == c.graph.size(), "a result of every unit");
    for (const auto& entry : c.events.results) require(world, entry.second == 1, "once each");
    require(world, digest(c.events.payloads) == expected_digest(c.graph), "the merged result");
}

void merge(const par::Communicator& world) {
    Case c{world};
    c.runner.during = [](const Unit& unit, const std::stop_token&) {
        sleep_ms(static_cast<int>(RandomStream(RandomKey(9).child(unit.key)).below(8)));
    };
    // What a unit needs must have come in before its own result.
    c.events.before_result = [&](const Unit& unit) {
        for (const auto need : unit.needs) {
            require(world, c.events.results.contains(need), "needs come first");
        }
    };
    same_outcome_everywhere(world, c.run(), Outcome::done);
    check_merged(world, c);
    for (const auto& runs : par::gather_all(world, std::to_string(c.runner.runs.load()))) {
        require(world, runs != "0", "every rank has computed");
    }
    // Many tiny units, and the communicator is clean for a second use.
    Case tiny{world, test::flat_graph(3000, 0.001)};
    same_outcome_everywhere(world, tiny.run(), Outcome::done);
    check_merged(world, tiny);
}

void failing(const par::Communicator& world) {
    Case c{world};
    const std::uint32_t first_pass = 6;  // of experiment 0: 2 passes and 12 leases follow
    const std::uint32_t second_lease = 6 + 15 + 4;
    c.runner.during = [&](const Unit& unit, const std::stop_token&) {
        if (unit.index == first_pass) throw Error::numeric("not finite").at("site", "blocks.0");
        if (unit.index == second_lease) throw std::bad_alloc();
        if (unit.index == second_lease + 1) throw std::runtime_error("odd");
    };
    same_outcome_everywhere(world, c.run(), Outcome::some_failed);
    if (world.rank() != 0) return;
    require(world, c.events.failures.size() == 3, "three failures");
    const auto& failure = c.events.failures.at(first_pass);
    require(world, failure.blocked.size() == 14, "the rest of the experiment is blocked");
    require(world, failure.error.field("site") == "blocks.0", "the error is whole");
    require(world, failure.error.field("unit") == "pass 6", "the error names the unit");
    require(world, c.events.failures.at(second_lease).error.kind() == ErrorKind::environment,
            "out of memory");
    require(world, c.events.results.size() == c.graph.size() - 3 - 14, "all others are done");
}

// The last rank is asked to stop in the middle; a second run finishes from what came in.
void stopping(const par::Communicator& world) {
    Case c{world};
    std::atomic<bool> asked = false;
    c.runner.during = [&](const Unit& unit, const std::stop_token& stop) {
        if (c.is_last() && c.runner.runs == 4) asked = true;
        if (unit.index % 3 || c.runner.runs < 4) return sleep_ms(2);
        for (int i = 0; i < 20000 && !stop.stop_requested(); ++i) sleep_ms(1);  // "hours"
        throw Stopped();
    };
    c.options.stop = [&] { return asked.load(); };
    const auto start = std::chrono::steady_clock::now();
    same_outcome_everywhere(world, c.run(), Outcome::stopped);
    require(world, std::chrono::steady_clock::now() - start < std::chrono::seconds(15),
            "a stop gets through in the middle of a long unit");
    const std::size_t before = c.events.results.size();
    if (world.rank() == 0) {
        require(world, before > 0 && before < c.graph.size(), "stopped in the middle");
        require(world, c.events.failures.empty(), "a stop is no failure");
    }
    c.runner.during = nullptr;
    c.options.stop = nullptr;
    c.options.done = c.events.done();
    same_outcome_everywhere(world, c.run(), Outcome::done);
    check_merged(world, c);
}

void handler_error(const par::Communicator& world) {
    Case c{world};
    c.runner.during = [](const Unit&, const std::stop_token&) { sleep_ms(1); };
    int count = 0;
    c.events.before_result = [&](const Unit&) {
        if (++count == 5) throw Error::environment("disk full");
    };
    std::string problem;
    Outcome outcome = Outcome::stopped;
    try {
        outcome = c.run();
    } catch (const Error& error) {
        problem = error.problem();
    }
    require(world, (problem == "disk full") == (world.rank() == 0), "rank 0 alone throws it");
    same_outcome_everywhere(world, outcome, Outcome::stopped);
    require(world, count == (world.rank() == 0 ? 5 : 0), "handlers are not called after it");
    Case again{world};
    same_outcome_everywhere(world, again.run(), Outcome::done);
    check_merged(world, again);
}

void broken(const par::Communicator& world) {
    Case c{world};
    c.runner.during = [&](const Unit&, const std::stop_token&) {
        if (c.is_last()) throw RankBroken(Error::environment("device error"));
        sleep_ms(1);
    };
    same_outcome_everywhere(world, c.run(), Outcome::stopped);
    require(world, c.events.failures.empty(), "no unit is to blame");
}

void other_plan(const par::Communicator& world) {
    Case c{world};
    if (c.is_last()) c.graph = test::flat_graph(3);
    bool thrown = false;
    Outcome outcome = Outcome::stopped;
    try {
        outcome = c.run();
    } catch (const Error& error) {
        thrown = error.problem().find("another plan") != std::string::npos;
    }
    require(world, thrown == (world.rank() == 0), "rank 0 reports the other plan");
    same_outcome_everywhere(world, outcome, Outcome::stopped);
}

// Rank 1 freezes; the job must end with 75.
class LastWords : public NotedEvents {
  public:
    void on_lost(const Error& error) override { log_info("last words: {}", error.problem()); }
};

void silent(const par::Communicator& world) {
    Case c{world, test::flat_graph(200, 0.01)};
    c.runner.during = [&](const Unit&, const std::stop_token&) {
        sleep_ms(1);
        if (world.rank() == 1 && c.runner.runs > 3) raise(SIGSTOP);
    };
    c.options.coordinator.silence_limit = 3;
    LastWords events;
    run_units(world, c.graph, c.runner, events, c.options);
    require(world, false, "the run must not end");
}

}  // namespace

int main(int argc, char** argv) {
    const par::MpiScope mpi(argc, argv);
    const par::Communicator& world = mpi.world();
    configure_log({LogLevel::info, world.rank(), world.size()});
    const std::map<std::string, void (*)(const par::Communicator&)> modes = {
        {"merge", merge},           {"failing", failing}, {"stop", stopping},
        {"handler", handler_error}, {"broken", broken},   {"other_plan", other_plan},
        {"silent", silent}};
    const auto mode = modes.find(argc > 1 ? argv[1] : "");
    require(world, mode != modes.end(), "a known mode");
    mode->second(world);
    log_once("all checks passed");
    return 0;
}
