// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Mailbox.hpp"

#include <utility>

namespace aocq::engine {

void Mailbox::give(std::uint32_t unit) {
    {
        const std::lock_guard guard(lock_);
        units_.push_back(unit);
    }
    units_changed_.notify_one();
}

std::vector<std::uint32_t> Mailbox::withdraw() {
    const std::lock_guard guard(lock_);
    std::vector<std::uint32_t> units(units_.begin(), units_.end());
    units_.clear();
    return units;
}

void Mailbox::close() {
    {
        const std::lock_guard guard(lock_);
        closed_ = true;
    }
    units_changed_.notify_one();
}

std::vector<Report> Mailbox::wait_reports(std::chrono::microseconds limit) {
    std::unique_lock guard(lock_);
    reports_changed_.wait_for(guard, limit, [&] { return !reports_.empty(); });
    return std::exchange(reports_, {});
}

std::optional<std::uint32_t> Mailbox::take() {
    std::unique_lock guard(lock_);
    units_changed_.wait(guard, [&] { return closed_ || !units_.empty(); });
    if (closed_) return std::nullopt;
    const std::uint32_t unit = units_.front();
    units_.pop_front();
    return unit;
}

void Mailbox::put(Report report) {
    {
        const std::lock_guard guard(lock_);
        reports_.push_back(std::move(report));
    }
    reports_changed_.notify_one();
}

}  // namespace aocq::engine
