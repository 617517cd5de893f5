// SPDX-License-Identifier: Apache-2.0
#include "core/Log.hpp"

#include <cstdio>
#include <mutex>

namespace aocq {
namespace {

// The logger is the one global of the program (STYLE): every thread writes to the same stderr
// anyway.
LogOptions current;
std::mutex lock;

const char* prefix(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug: ";
        case LogLevel::warning:
            return "warning: ";
        case LogLevel::error:
            return "error: ";
        case LogLevel::info:
            break;
    }
    return "";
}

}  // namespace

void configure_log(LogOptions options) {
    const std::lock_guard guard(lock);
    current = options;
}

bool is_first_rank() {
    const std::lock_guard guard(lock);
    return current.rank == 0;
}

void log_line(LogLevel level, std::string_view text) {
    const std::lock_guard guard(lock);
    if (level < current.level) return;
    const std::string who = current.ranks > 1 ? fmt::format("[{}] ", current.rank) : "";
    const std::string line = fmt::format("{}{}{}\n", who, prefix(level), text);
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace aocq
