// SPDX-License-Identifier: Apache-2.0
// The polling loops of the main threads: rank 0's with the coordinator in it, and the others'.
#pragma once

#include "engine/dispatch/Dispatch.hpp"
#include "engine/dispatch/Protocol.hpp"
#include "engine/dispatch/Worker.hpp"
#include "par/Message.hpp"
#include "par/Outbox.hpp"

namespace aocq::engine {

class CoordinatorLoop {
  public:
    CoordinatorLoop(const par::Communicator& communicator, const UnitGraph& graph,
                    UnitRunner& runner, CoordinatorEvents& events, const DispatchOptions& options);
    // Ends when every rank has said bye; then the coordinator has outcome and error.
    void run();
    const Coordinator& coordinator() const { return coordinator_; }

  private:
    double now() const;
    bool receive();
    void handle(par::Message message);
    void relay_own_reports(bool busy);
    void carry_out(const Command& command);
    void watch();

    const par::Communicator& communicator_;
    CoordinatorEvents& events_;
    const DispatchOptions& options_;
    std::chrono::steady_clock::time_point start_;
    Coordinator coordinator_;
    par::Outbox outbox_;
    Worker worker_;
};

class WorkerLoop {
  public:
    WorkerLoop(const par::Communicator& communicator, const UnitGraph& graph, UnitRunner& runner,
               const DispatchOptions& options);
    Outcome run();

  private:
    void receive();
    void handle(const Command& command);
    void send(Tag tag, std::vector<std::byte> bytes, std::string_view what);
    void send_reports();
    void beat();

    const par::Communicator& communicator_;
    const UnitGraph& graph_;
    const DispatchOptions& options_;
    std::chrono::steady_clock::time_point last_beat_;
    bool told_stop_ = false;
    std::optional<Outcome> ended_;
    par::Outbox outbox_;
    Worker worker_;
};

}  // namespace aocq::engine
