// SPDX-License-Identifier: Apache-2.0
// Works through a graph of units on all ranks of a communicator.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "engine/dispatch/Coordinator.hpp"
#include "engine/dispatch/UnitRunner.hpp"
#include "par/Communicator.hpp"

namespace aocq::engine {

struct DispatchOptions {
    std::vector<std::uint32_t> done;  // units whose results exist already; rank 0's is used
    std::function<bool()> stop;       // asked by every rank's main thread; one yes stops all
    CoordinatorOptions coordinator;
    std::chrono::microseconds poll{1000};  // longest sleep of a main thread
    std::chrono::milliseconds heartbeat{1000};
};

// Every rank computes on a thread of its own, while its main thread (the caller) relays messages
// between polls; rank 0's is also the coordinator. All ranks call this with an equal graph and get
// the same outcome. `events` is used on rank 0 only. \collective
//
// Throws on rank 0 what an event handler threw; the other ranks then return Outcome::stopped. A
// lost rank or a failure of MPI aborts the job (exit code 75), since the other ranks cannot be
// reached.
Outcome run_units(const par::Communicator& communicator, const UnitGraph& graph, UnitRunner& runner,
                  CoordinatorEvents& events, DispatchOptions options);

}  // namespace aocq::engine
