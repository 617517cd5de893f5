// SPDX-License-Identifier: Apache-2.0
// The side of rank 0 that hands out units and receives results. A state machine without MPI,
// threads or clock: messages and the time go in, commands come out.
#pragma once

#include <exception>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/dispatch/Report.hpp"
#include "engine/dispatch/Scheduler.hpp"

namespace aocq::engine {

// Called on the main thread of rank 0. An exception ends the run on all ranks; nothing is called
// after it.
struct RankView {
    std::string host;                   // "" until it has come
    std::optional<std::uint32_t> unit;  // what it computes
    double seconds = 0;                 // for how long
};

struct DispatchView {
    SchedulerCounts counts;
    double elapsed_seconds = 0;
    std::vector<RankView> ranks;
};

class CoordinatorEvents {
  public:
    virtual ~CoordinatorEvents() = default;
    virtual void on_result(const Unit& unit, int rank, std::vector<std::byte> payload,
                           const UnitCost& cost) = 0;
    // `blocked`: the units that can now never run.
    virtual void on_failure(const Unit& unit, int rank, const Error& error,
                            std::vector<std::uint32_t> blocked) = 0;
    // A few times a second, and once at the end; for progress and for writing what has come in.
    virtual void on_tick(const DispatchView& view) { static_cast<void>(view); }
    // What `unit` made was gone or damaged when `asking` wanted to read it; it is done again.
    virtual void on_reopened(const Unit& unit, const Unit& asking, const Error& error) {
        static_cast<void>(unit);
        static_cast<void>(asking);
        static_cast<void>(error);
    }
    // A rank is silent; the job is aborted with exit code 75 as soon as this returns. Last chance
    // to write what has come in.
    virtual void on_lost(const Error& error) { static_cast<void>(error); }
};

struct CoordinatorOptions {
    double silence_limit = 60;  // s without a heartbeat until a rank counts as lost
    double start_limit = 600;   // s until a rank must have come to the dispatch
    double tick_every = 0.25;   // s
    double prefetch_below = 2;  // s; behind a longer unit nothing is queued
    // A unit that has run for so many times its learned estimate, and for so many seconds at least,
    // is given to an idle rank as well.
    double straggler_factor = 4;
    double straggler_seconds = 60;
    int reopen_limit = 3;  // times that one unit is done again before its readers fail
};

class Coordinator {
  public:
    // `graph` and `events` must outlive the coordinator. Times are seconds on any steady clock.
    Coordinator(const UnitGraph& graph, std::span<const std::uint32_t> done, int ranks,
                CoordinatorEvents& events, CoordinatorOptions options, double now);

    void hello(int rank, const Hello& hello, double now);
    void heard(int rank, double now);  // to be called for every message
    // Error::internal for a report on a unit that the rank does not have.
    void report(int rank, Report report, double now);
    void request_stop();
    void bye(int rank);
    void tick(double now);

    // The error that names a rank silent for too long, once there is one. Time in which nobody
    // called this does not count: then it was we who were away.
    std::optional<Error> lost_rank(double now);

    std::vector<Command> take_commands();
    bool over() const { return gone_ == ranks_.size(); }  // every rank has said bye
    Outcome outcome() const { return outcome_; }
    std::exception_ptr error() const { return error_; }  // what an event handler threw

  private:
    enum class Mode { working, stopping, ended };
    struct Held {
        std::uint32_t unit;
        double since;
    };
    struct Rank {
        bool here = false;
        bool gone = false;
        double last_heard = 0;
        std::string host;
        std::vector<Held> units;  // given and not reported: one running, one queued
    };

    Rank& rank_at(int rank);
    void take_from(int rank, std::uint32_t unit);
    void receive_result(int rank, Report& report);
    void receive_failure(int rank, const Report& report);
    void receive_broken(int rank, const Report& report);
    void receive_stale(int rank, const Report& report);
    std::optional<std::uint32_t> unit_with_key(const std::string& key) const;
    void consider_stragglers();
    DispatchView view() const;
    void advance();
    void hand_out();
    void prefetch(int rank);
    void assign(int rank, std::uint32_t unit);
    void begin_stop();
    void end();
    void fail_run(std::exception_ptr error);
    template <class Call>
    void tell(Call call);

    const UnitGraph& graph_;
    Scheduler scheduler_;
    CoordinatorEvents& events_;
    CoordinatorOptions options_;
    std::vector<Rank> ranks_;
    std::set<int> idle_;
    std::map<std::uint32_t, int> times_reopened_;
    std::size_t in_flight_ = 0;
    std::size_t gone_ = 0;
    std::vector<Command> commands_;
    Mode mode_ = Mode::working;
    Outcome outcome_ = Outcome::stopped;
    std::exception_ptr error_;
    double started_;
    double now_;
    double last_tick_;
    double last_watch_;
};

}  // namespace aocq::engine
