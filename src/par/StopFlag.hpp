// SPDX-License-Identifier: Apache-2.0
// "Please stop": SIGTERM (batch system), SIGUSR1 (its early warning) and SIGINT (keyboard) only set
// a flag that the main thread asks for between other things.
#pragma once

#include <csignal>

namespace aocq::par {

// Installs the handlers for its life and puts back what was there. One at a time.
class StopFlag {
  public:
    StopFlag();
    ~StopFlag();
    StopFlag(const StopFlag&) = delete;
    StopFlag& operator=(const StopFlag&) = delete;

    bool requested() const { return signal() != 0; }
    int signal() const;        // the first signal that came, 0 for none
    const char* name() const;  // "SIGTERM"; "" for none

  private:
    static constexpr int count_ = 3;
    static constexpr int signals_[count_] = {SIGTERM, SIGUSR1, SIGINT};
    struct sigaction before_[count_];
};

}  // namespace aocq::par
