// SPDX-License-Identifier: Apache-2.0
// Why a run should leave off: a signal, or the end of the time that it was given.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "par/StopFlag.hpp"

namespace aocq::app {

class StopReasons {
  public:
    // `limit`: seconds that the run may take in all. Slurm's end of the job, where the environment
    // tells it, counts as well.
    explicit StopReasons(std::optional<double> limit);

    std::string why() const;  // "" to go on; cheap, to be called often

  private:
    using Clock = std::chrono::steady_clock;
    void stop_before(Clock::time_point start, double seconds_left, std::string reason);

    par::StopFlag signals_;
    std::optional<Clock::time_point> deadline_;
    std::string deadline_reason_;
};

}  // namespace aocq::app
