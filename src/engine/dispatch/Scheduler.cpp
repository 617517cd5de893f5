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
        --ready_;
        ++running_;
        note_rank(unit, rank);
        return unit;
    }
    return std::nullopt;
}

void Scheduler::reissue(std::uint32_t unit, int rank) {
    AOCQ_EXPECT(copies(unit) == 1 && rank >= 0 && states_[unit].ranks[0] != rank);
    note_rank(unit, rank);
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

void Scheduler::put_back(std::uint32_t unit, int rank) {
    AOCQ_EXPECT(unit < states_.size());
    State& state = states_[unit];
    if (state.phase != Phase::running) return;  // another rank was faster
    forget_rank(unit, rank);
    if (copies(unit) > 0) return;
    --running_;
    ++waiting_;
    state.phase = Phase::waiting;
    if (state.open_needs == 0) make_ready(unit);
}

void Scheduler::reopen(std::uint32_t unit) {
    AOCQ_EXPECT(is_done(unit));
    State& state = states_[unit];
    --done_;
    ++waiting_;
    costs_.take_back(unit);
    state.phase = Phase::waiting;
    for (const std::uint32_t child : graph_->dependents(unit)) {
        State& waits = states_[child];
        ++waits.open_needs;
        if (waits.phase != Phase::ready) continue;
        waits.phase = Phase::waiting;  // its heap entry is skipped when it comes up
        --ready_;
        ++waiting_;
    }
    state.priority = priority_of(unit);
    if (state.open_needs == 0) make_ready(unit);
}

void Scheduler::lost(int rank) {
    if (rank < 0 || static_cast<std::size_t>(rank) >= running_on_.size()) return;
    const auto units = running_on_[static_cast<std::size_t>(rank)];
    for (const std::uint32_t unit : units) put_back(unit, rank);
}

bool Scheduler::is_open(std::uint32_t unit) const {
    AOCQ_EXPECT(unit < states_.size());
    const Phase phase = states_[unit].phase;
    return phase == Phase::waiting || phase == Phase::ready || phase == Phase::running;
}

bool Scheduler::is_done(std::uint32_t unit) const {
    AOCQ_EXPECT(unit < states_.size());
    return states_[unit].phase == Phase::done;
}

int Scheduler::copies(std::uint32_t unit) const {
    AOCQ_EXPECT(unit < states_.size());
    const auto& ranks = states_[unit].ranks;
    return static_cast<int>(
        std::count_if(ranks.begin(), ranks.end(), [](int r) { return r >= 0; }));
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
        forget_ranks(unit);
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

void Scheduler::note_rank(std::uint32_t unit, int rank) {
    auto& ranks = states_[unit].ranks;
    *std::find(ranks.begin(), ranks.end(), -1) = rank;
    const auto index = static_cast<std::size_t>(rank);
    if (running_on_.size() <= index) running_on_.resize(index + 1);
    running_on_[index].push_back(unit);
}

void Scheduler::forget_rank(std::uint32_t unit, int rank) {
    auto& ranks = states_[unit].ranks;
    const auto place = std::find(ranks.begin(), ranks.end(), rank);
    AOCQ_ASSERT(place != ranks.end());
    *place = -1;
    auto& units = running_on_[static_cast<std::size_t>(rank)];
    units.erase(std::find(units.begin(), units.end(), unit));  // one or two entries
}

void Scheduler::forget_ranks(std::uint32_t unit) {
    for (const int rank : std::array(states_[unit].ranks)) {
        if (rank >= 0) forget_rank(unit, rank);
    }
}

void Scheduler::compute_priorities() {
    costs_.adopt();
    const auto& order = graph_->order();
    for (auto unit = order.rbegin(); unit != order.rend(); ++unit) {
        states_[*unit].priority =
            is_open(*unit) ? priority_of(*unit) : 0;  // 0: nobody waits for it
    }
}

double Scheduler::priority_of(std::uint32_t unit) const {
    double longest = 0;
    for (const std::uint32_t child : graph_->dependents(unit)) {
        longest = std::max(longest, states_[child].priority);
    }
    return longest + costs_.seconds(unit);
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
