// SPDX-License-Identifier: Apache-2.0
// The computing thread of a rank, as its main thread sees it.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/dispatch/Mailbox.hpp"
#include "engine/dispatch/UnitRunner.hpp"

namespace aocq::engine {

class Worker {
  public:
    // `graph` and `runner` must outlive the worker.
    Worker(const UnitGraph& graph, UnitRunner& runner);
    // Asks a running unit to leave off and waits for that.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void give(std::uint32_t unit);  // to be run after those given before
    // Asks the running unit to leave off and returns the others. Every unit given is still reported
    // once.
    void request_stop();
    std::vector<Report> wait_reports(std::chrono::microseconds limit);

  private:
    void work();
    bool prepare();
    Report run(std::uint32_t unit);
    std::vector<std::byte> run_checked(const Unit& unit);

    const UnitGraph& graph_;
    UnitRunner& runner_;
    Mailbox mailbox_;
    std::stop_source stop_;
    bool broken_ = false;  // worker thread only
    std::thread thread_;
};

}  // namespace aocq::engine
