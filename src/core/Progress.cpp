// SPDX-License-Identifier: Apache-2.0
#include "core/Progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/Log.hpp"
#include "core/Text.hpp"

namespace aocq {

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() {
    finish();
}

void Progress::start_at(std::uint64_t done) {
    first_ = done_ = done;
}

std::string Progress::line(const std::string& detail) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(done_ - first_) / seconds : 0.0;
    std::string text = fmt::format("{} {}/{}", label_, done_, total_);
    if (rate > 0 && done_ < total_) {
        text += fmt::format(", {:.1f}/s, {} left", rate,
                            human_seconds(static_cast<double>(total_ - done_) / rate));
    }
    return detail.empty() ? text : text + ", " + detail;
}

void Progress::print(const std::string& detail) {
    if (!terminal_) {
        log_line(LogLevel::info, line(detail));
        return;
    }
    constexpr std::uint64_t width = 24;
    const std::uint64_t filled = total_ ? std::min(width, done_ * width / total_) : width;
    fmt::print(stderr, "\r\033[K[{}{}] {}", std::string(filled, '#'),
               std::string(width - filled, '.'), line(detail));
    std::fflush(stderr);
    shown_ = true;
}

void Progress::update(std::uint64_t done, const std::string& detail) {
    done_ = done;
    const auto now = Clock::now();
    const auto pause =
        terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(60'000);
    if (now - last_ < pause) return;
    last_ = now;
    print(detail);
}

void Progress::finish() {
    if (terminal_ && shown_) fmt::print(stderr, "\r\033[K");
    shown_ = false;
}

}  // namespace aocq
