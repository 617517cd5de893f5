// SPDX-License-Identifier: Apache-2.0
// The side of rank 0 that hands out units and receives results. A state machine without MPI,
// threads or clock: messages and the time go in, commands come out.
#pragma once

#include <exception>
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
class CoordinatorEvents {
  public:
    virtual ~CoordinatorEvents() = default;
    virtual void on_result(const Unit& unit, int rank, std::vector<std::byte> payload,
                           double seconds) = 0;
    // `blocked`: the units that can now never run.
    virtual void on_failure(const Unit& unit, int rank, const Error& error,
                            std::vector<std::uint32_t> blocked) = 0;
    // A few times a second, and once at the end; for progress and for writing what has come in.
    virtual void on_tick(const SchedulerCounts& counts, double elapsed_seconds) {
        static_cast<void>(counts);
        static_cast<void>(elapsed_seconds);
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
};

class Coordinator {
  public:
    // `graph` and `events` must outlive the coordinator. Times are seconds on any steady clock.
    Coordinator(const UnitGraph& graph, std::span<const std::uint32_t> done, int ranks,
                CoordinatorEvents& events, CoordinatorOptions options, double now);

    void hello(int rank, const Hello& hello, double now);
    void heard(int rank, double now);  // to be called for every message
    // Error::internal for a report on a unit that the rank does not have.
    void report(int rank, Report report);
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
    struct Rank {
        bool here = false;
        bool gone = false;
        double last_heard = 0;
        std::string host;
        std::vector<std::uint32_t> units;  // given and not reported: one running, one queued
    };

    Rank& rank_at(int rank);
    void take_from(int rank, std::uint32_t unit);
    void receive_result(int rank, Report& report);
    void receive_failure(int rank, const Report& report);
    void receive_broken(int rank, const Report& report);
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
