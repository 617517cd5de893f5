// SPDX-License-Identifier: Apache-2.0
// Between the main thread of a rank, which speaks MPI, and its worker thread, which computes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/dispatch/Report.hpp"

namespace aocq::engine {

class Mailbox {
  public:
    // Main thread.
    void give(std::uint32_t unit);
    std::vector<std::uint32_t> withdraw();  // what the worker has not begun
    void close();                           // the worker gets nothing any more
    // Sleeps until there is a report or the time is up.
    std::vector<Report> wait_reports(std::chrono::microseconds limit);

    // Worker thread.
    std::optional<std::uint32_t> take();  // waits for a unit; nothing once closed
    void put(Report report);

  private:
    std::mutex lock_;
    std::condition_variable units_changed_;
    std::condition_variable reports_changed_;
    std::deque<std::uint32_t> units_;
    std::vector<Report> reports_;
    bool closed_ = false;
};

}  // namespace aocq::engine
