// SPDX-License-Identifier: Apache-2.0
#include "par/StopFlag.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/Error.hpp"
#include "core/Log.hpp"

namespace aocq::par {
namespace {

// A signal handler has no argument to carry state in, so this is global by nature.
std::atomic<int> first_signal{0};
std::atomic<bool> installed{false};
static_assert(std::atomic<int>::is_always_lock_free, "a handler may only touch lock-free atomics");

extern "C" void aocq_note_stop_signal(int number) {
    int none = 0;
    first_signal.compare_exchange_strong(none, number);
}

}  // namespace

StopFlag::StopFlag() {
    AOCQ_EXPECT(!installed.exchange(true));
    first_signal = 0;
    for (int i = 0; i < count_; ++i) {
        struct sigaction action {};
        action.sa_handler = aocq_note_stop_signal;
        // A second Ctrl-C kills as usual, for a user who will not wait.
        action.sa_flags = SA_RESTART | (signals_[i] == SIGINT ? static_cast<int>(SA_RESETHAND) : 0);
        sigemptyset(&action.sa_mask);
        if (sigaction(signals_[i], &action, &before_[i]) != 0) {
            installed = false;
            throw Error::environment("no signal handler can be installed")
                .because(std::strerror(errno));
        }
    }
}

StopFlag::~StopFlag() {
    for (int i = 0; i < count_; ++i) {
        if (sigaction(signals_[i], &before_[i], nullptr) != 0) {
            log_warning("a signal handler could not be put back: {}", std::strerror(errno));
        }
    }
    installed = false;
}

int StopFlag::signal() const {
    return first_signal;
}

const char* StopFlag::name() const {
    switch (signal()) {
        case SIGTERM:
            return "SIGTERM";
        case SIGUSR1:
            return "SIGUSR1";
        case SIGINT:
            return "SIGINT";
        default:
            return "";
    }
}

}  // namespace aocq::par
