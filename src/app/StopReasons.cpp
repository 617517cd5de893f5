// SPDX-License-Identifier: Apache-2.0
#include "app/StopReasons.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace aocq::app {
namespace {

// What a run needs to come to a boundary and to write what it has.
double margin(double seconds) {
    return std::min(60.0, seconds / 10);
}

// Seconds until Slurm ends the job.
std::optional<double> slurm_seconds_left() {
    const char* text = std::getenv("SLURM_JOB_END_TIME");
    if (!text) return std::nullopt;
    char* end = nullptr;
    const long long epoch = std::strtoll(text, &end, 10);
    if (end == text || *end != '\0' || epoch <= 0) return std::nullopt;
    return static_cast<double>(epoch - static_cast<long long>(std::time(nullptr)));
}

}  // namespace

StopReasons::StopReasons(std::optional<double> limit) {
    const auto now = Clock::now();
    if (limit) stop_before(now, *limit, "the time limit is near");
    if (const auto left = slurm_seconds_left()) {
        stop_before(now, *left, "the job's end is near");
    }
}

void StopReasons::stop_before(Clock::time_point start, double seconds_left, std::string reason) {
    const auto wait = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(seconds_left - margin(seconds_left)));
    const auto stop_at = start + wait;
    if (deadline_ && *deadline_ <= stop_at) return;
    deadline_ = stop_at;
    deadline_reason_ = std::move(reason);
}

std::string StopReasons::why() const {
    if (signals_.requested()) return signals_.name();
    if (deadline_ && Clock::now() >= *deadline_) return deadline_reason_;
    return "";
}

}  // namespace aocq::app
