// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Dispatch.hpp"

#include "core/Log.hpp"
#include "engine/dispatch/RankLoop.hpp"
#include "par/Collective.hpp"

namespace aocq::engine {
namespace {

Outcome coordinate(const par::Communicator& communicator, const UnitGraph& graph,
                   UnitRunner& runner, CoordinatorEvents& events, const DispatchOptions& options,
                   std::exception_ptr& handler_error) {
    CoordinatorLoop loop(communicator, graph, runner, events, options);
    loop.run();
    handler_error = loop.coordinator().error();
    return loop.coordinator().outcome();
}

}  // namespace

Outcome run_units(const par::Communicator& communicator, const UnitGraph& graph, UnitRunner& runner,
                  CoordinatorEvents& events, DispatchOptions options) {
    std::exception_ptr handler_error;
    Outcome outcome = Outcome::stopped;
    try {
        outcome = communicator.rank() == 0
                      ? coordinate(communicator, graph, runner, events, options, handler_error)
                      : WorkerLoop(communicator, graph, runner, options).run();
        // So that no rank's messages of a next call arrive within this one.
        par::barrier_all(communicator);
    } catch (const std::exception& error) {
        // This rank cannot go on and cannot tell the others: they would wait for ever.
        if (communicator.size() == 1) throw;
        log_error("{}", error.what());
        const auto* known = dynamic_cast<const Error*>(&error);
        const bool ours = known && known->kind() == ErrorKind::internal;
        par::abort_job(communicator, ours ? exit_internal : exit_again);
    }
    if (handler_error) std::rethrow_exception(handler_error);
    return outcome;
}

}  // namespace aocq::engine
