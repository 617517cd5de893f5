// SPDX-License-Identifier: Apache-2.0
// Which unit next? A plain class without MPI, threads or clock, so that a thousand ranks can be
// simulated. Longest path first: what most other work waits for is started first. Every operation
// is O(log n), amortised over the edges of the graph.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/dispatch/CostModel.hpp"
#include "engine/dispatch/Unit.hpp"

namespace aocq::engine {

struct SchedulerCounts {
    std::size_t total = 0;
    std::size_t reused = 0;  // done before the run began; contained in `done`
    std::size_t done = 0;
    std::size_t running = 0;
    std::size_t ready = 0;
    std::size_t waiting = 0;
    std::size_t failed = 0;
    std::size_t blocked = 0;  // cannot run, because a unit they need failed
    double seconds_left = 0;  // of computing on one rank
};

class Scheduler {
  public:
    // `graph` must outlive the scheduler. A done unit may need others that are not done: what it
    // made exists.
    Scheduler(const UnitGraph& graph, std::span<const std::uint32_t> done);
    Scheduler(UnitGraph&&, std::span<const std::uint32_t>) = delete;

    // The ready unit with the longest path behind it (ties: lowest index), now running on `rank`.
    std::optional<std::uint32_t> next(int rank);

    // Gives a running unit to a second rank as well: the first result counts. At most two ranks
    // have a unit.
    void reissue(std::uint32_t unit, int rank);

    // False, and nothing changes, if the unit is not open any more (a second completion). A unit
    // that was given up as lost may still be completed by the rank that was thought lost.
    bool complete(std::uint32_t unit, int rank);
    void observe(std::uint32_t unit, double seconds);

    // Gives up the unit; returns the units that can now never run, in ascending order.
    std::vector<std::uint32_t> fail(std::uint32_t unit);
    // The rank does not do the unit; it is to be done again unless another rank has it too.
    void put_back(std::uint32_t unit, int rank);
    void lost(int rank);  // puts back all units of this rank
    // What a done unit made is gone or damaged: it is to be done again. Running dependents stay
    // with their ranks; put back, they wait for it.
    void reopen(std::uint32_t unit);

    bool is_open(std::uint32_t unit) const;  // ready, running or waiting
    bool is_done(std::uint32_t unit) const;
    int copies(std::uint32_t unit) const;  // ranks that have it now: 0, 1 or 2
    std::optional<std::uint32_t> cause(std::uint32_t unit) const;  // the failed unit that blocks it
    double estimated_seconds(std::uint32_t unit) const { return costs_.seconds(unit); }
    bool has_measured(std::uint32_t unit) const { return costs_.has_measured(unit); }
    std::size_t ready() const { return ready_; }
    bool finished() const { return ready_ + running_ + waiting_ == 0; }
    SchedulerCounts counts() const;

  private:
    enum class Phase : std::uint8_t { waiting, ready, running, done, failed, blocked };
    struct State {
        Phase phase = Phase::waiting;
        std::uint32_t open_needs = 0;
        std::array<int, 2> ranks{-1, -1};  // of a running unit
        std::uint32_t cause = 0;
        double priority = 0;  // seconds from the unit's start to the end of its longest path
    };
    struct Entry {
        double priority;
        std::uint32_t unit;
    };

    void make_ready(std::uint32_t unit);
    void leave_open(std::uint32_t unit, Phase phase);  // books a unit as done, failed or blocked
    void note_rank(std::uint32_t unit, int rank);
    void forget_rank(std::uint32_t unit, int rank);
    void forget_ranks(std::uint32_t unit);
    void compute_priorities();
    double priority_of(std::uint32_t unit) const;
    void refresh_priorities();

    const UnitGraph* graph_;
    CostModel costs_;
    std::vector<State> states_;
    std::vector<Entry> heap_;  // may hold units that are not ready any more
    std::vector<std::vector<std::uint32_t>> running_on_;  // [rank]
    std::size_t ready_ = 0, running_ = 0, waiting_ = 0;
    std::size_t done_ = 0, failed_ = 0, blocked_ = 0, reused_ = 0;
    std::size_t since_refresh_ = 0;
};

}  // namespace aocq::engine
