// SPDX-License-Identifier: Apache-2.0
// The log goes to stderr: stdout is for results. Each rank logs for itself with its number in
// front; what all ranks would say the same is logged by rank 0 alone (log_once).
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace aocq {

enum class LogLevel { debug, info, warning, error };

struct LogOptions {
    LogLevel level = LogLevel::info;
    int rank = 0;
    int ranks = 1;
};

void configure_log(LogOptions options);
void log_line(LogLevel level, std::string_view text);
bool is_first_rank();

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_once(fmt::format_string<Args...> format, Args&&... args) {
    if (is_first_rank()) log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace aocq
