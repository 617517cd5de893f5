// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Scheduler.hpp"

#include <algorithm>

#include "core/Error.hpp"

namespace aocq::engine {
namespace {

// For the heap's "less": the entry to take last.
constexpr auto later = [](const auto& a, const auto& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.unit > b.unit;
};

}  // namespace

Scheduler::Scheduler(const UnitGraph& graph, std::span<const std::uint32_t> done)
    : graph_(&graph), costs_(graph), states_(graph.size()), waiting_(graph.size()) {
    for (const std::uint32_t unit : done) {
        AOCQ_EXPECT(unit < states_.size());
        if (states_[unit].phase == Phase::done) continue;
        leave_open(unit, Phase::done);
        ++reused_;
    }
    for (const Unit& unit : graph.units()) {
        for (const std::uint32_t need : unit.needs) {
            states_[unit.index].open_needs += states_[need].phase != Phase::done;
        }
    }
    compute_priorities();
    for (const Unit& unit : graph.units()) {
        const State& state = states_[unit.index];
        if (state.phase == Phase::waiting && state.open_needs == 0) make_ready(unit.index);
    }
}

std::optional<std::uint32_t> Scheduler::next(int rank) {
    AOCQ_EXPECT(rank >= 0);
    refresh_priorities();
    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const std::uint32_t unit = heap_.back().unit;
        heap_.pop_back();
        State& state = states_[unit];
        if (state.phase != Phase::ready) continue;
        state.phase = Phase::running;
        state.rank = rank;
        --ready_;
        ++running_;
        if (running_on_.size() <= static_cast<std::size_t>(rank)) {
            running_on_.resize(static_cast<std::size_t>(rank) + 1);
        }
        running_on_[static_cast<std::size_t>(rank)].push_back(unit);
        return unit;
    }
    return std::nullopt;
}

bool Scheduler::complete(std::uint32_t unit, int rank) {
    AOCQ_EXPECT(unit < states_.size() && rank >= 0);
    if (!is_open(unit)) return false;
    leave_open(unit, Phase::done);
    ++since_refresh_;
    for (const std::uint32_t child : graph_->dependents(unit)) {
        State& state = states_[child];
        if (--state.open_needs == 0 && state.phase == Phase::waiting) make_ready(child);
    }
    return true;
}

void Scheduler::observe(std::uint32_t unit, double seconds) {
    AOCQ_EXPECT(unit < states_.size());
    costs_.observe(unit, seconds);
}

std::vector<std::uint32_t> Scheduler::fail(std::uint32_t unit) {
    AOCQ_EXPECT(unit < states_.size());
    std::vector<std::uint32_t> blocked;
    if (!is_open(unit)) return blocked;
    leave_open(unit, Phase::failed);
    std::vector<std::uint32_t> open = {unit};
    while (!open.empty()) {
        const std::uint32_t parent = open.back();
        open.pop_back();
        for (const std::uint32_t child : graph_->dependents(parent)) {
            if (states_[child].phase != Phase::waiting) continue;  // done before, or blocked
            leave_open(child, Phase::blocked);
            states_[child].cause = unit;
            blocked.push_back(child);
            open.push_back(child);
        }
    }
    std::sort(blocked.begin(), blocked.end());
    return blocked;
}

void Scheduler::put_back(std::uint32_t unit) {
    AOCQ_EXPECT(unit < states_.size() && states_[unit].phase == Phase::running);
    forget_rank(unit);
    --running_;
    ++waiting_;
    make_ready(unit);
}

void Scheduler::lost(int rank) {
    if (rank < 0 || static_cast<std::size_t>(rank) >= running_on_.size()) return;
    const auto units = running_on_[static_cast<std::size_t>(rank)];
    for (const std::uint32_t unit : units) put_back(unit);
}

bool Scheduler::is_open(std::uint32_t unit) const {
    AOCQ_EXPECT(unit < states_.size());
    const Phase phase = states_[unit].phase;
    return phase == Phase::waiting || phase == Phase::ready || phase == Phase::running;
}

std::optional<std::uint32_t> Scheduler::cause(std::uint32_t unit) const {
    AOCQ_EXPECT(unit < states_.size());
    if (states_[unit].phase != Phase::blocked) return std::nullopt;
    return states_[unit].cause;
}

SchedulerCounts Scheduler::counts() const {
    return {states_.size(),       reused_, done_, running_, ready_, waiting_, failed_, blocked_,
            costs_.seconds_left()};
}

void Scheduler::make_ready(std::uint32_t unit) {
    State& state = states_[unit];
    state.phase = Phase::ready;
    --waiting_;
    ++ready_;
    heap_.push_back({state.priority, unit});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

void Scheduler::leave_open(std::uint32_t unit, Phase phase) {
    State& state = states_[unit];
    if (state.phase == Phase::running) {
        forget_rank(unit);
        --running_;
    } else if (state.phase == Phase::ready) {
        --ready_;  // its heap entry is skipped when it comes up
    } else {
        --waiting_;
    }
    state.phase = phase;
    costs_.drop(unit);
    if (phase == Phase::done) ++done_;
    if (phase == Phase::failed) ++failed_;
    if (phase == Phase::blocked) ++blocked_;
}

void Scheduler::forget_rank(std::uint32_t unit) {
    auto& units = running_on_[static_cast<std::size_t>(states_[unit].rank)];
    units.erase(std::find(units.begin(), units.end(), unit));  // one or two entries
    states_[unit].rank = -1;
}

void Scheduler::compute_priorities() {
    costs_.adopt();
    const auto& order = graph_->order();
    for (auto unit = order.rbegin(); unit != order.rend(); ++unit) {
        State& state = states_[*unit];
        state.priority = 0;
        if (!is_open(*unit)) continue;  // nobody waits for it
        for (const std::uint32_t child : graph_->dependents(*unit)) {
            state.priority = std::max(state.priority, states_[child].priority);
        }
        state.priority += costs_.seconds(*unit);
    }
}

// A pass over the whole graph, so at most once in n/64 completions.
void Scheduler::refresh_priorities() {
    const std::size_t pause = std::max<std::size_t>(16, states_.size() / 64);
    if (!costs_.outdated() || since_refresh_ < pause) return;
    since_refresh_ = 0;
    compute_priorities();
    heap_.clear();
    for (const std::uint32_t unit : graph_->order()) {
        if (states_[unit].phase == Phase::ready) heap_.push_back({states_[unit].priority, unit});
    }
    std::make_heap(heap_.begin(), heap_.end(), later);
}

}  // namespace aocq::engine
