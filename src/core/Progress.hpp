// SPDX-License-Identifier: Apache-2.0
// Progress on stderr: a bar with rate and remaining time on a terminal, one plain line a minute
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace aocq {

class Progress {
  public:
    Progress(std::string label, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    // `done` may jump at the start (work found finished); the rate counts only what was done since.
    void start_at(std::uint64_t done);
    void update(std::uint64_t done, const std::string& detail = "");
    void finish();

  private:
    using Clock = std::chrono::steady_clock;
    std::string line(const std::string& detail) const;
    void print(const std::string& detail);

    std::string label_;
    std::uint64_t total_;
    std::uint64_t first_ = 0;
    std::uint64_t done_ = 0;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point start_;
    Clock::time_point last_;
};

}  // namespace aocq
