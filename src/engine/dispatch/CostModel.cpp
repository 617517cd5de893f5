// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/CostModel.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

namespace aocq::engine {
namespace {

constexpr double least_cost = 1e-3;  // s; an estimate of zero could never be corrected
constexpr double tolerated = 1.5;

}  // namespace

CostModel::CostModel(const UnitGraph& graph) {
    std::map<std::string_view, std::uint32_t> ids;
    for (const Unit& unit : graph.units()) {
        const auto [entry, is_new] =
            ids.try_emplace(unit.kind, static_cast<std::uint32_t>(kinds_.size()));
        if (is_new) kinds_.emplace_back();
        kind_of_.push_back(entry->second);
        estimates_.push_back(std::max(unit.cost, least_cost));
        kinds_[entry->second].left += estimates_.back();
    }
}

double CostModel::seconds(std::uint32_t unit) const {
    return estimates_[unit] * kinds_[kind_of_[unit]].factor;
}

void CostModel::observe(std::uint32_t unit, double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return;
    Kind& kind = kinds_[kind_of_[unit]];
    kind.estimated += estimates_[unit];
    kind.observed += seconds;
    estimated_ += estimates_[unit];
    observed_ += seconds;
    const double moved = newest_factor(kind) / kind.factor;
    if (moved > tolerated || moved < 1 / tolerated) outdated_ = true;
}

// A kind nobody has seen yet is taken to be off by as much as all others together: a slow machine
// is slow at everything.
double CostModel::newest_factor(const Kind& kind) const {
    const double estimated = kind.estimated > 0 ? kind.estimated : estimated_;
    const double observed = kind.estimated > 0 ? kind.observed : observed_;
    return estimated > 0 ? std::max(observed / estimated, 1e-6) : 1.0;
}

void CostModel::adopt() {
    for (Kind& kind : kinds_) kind.factor = newest_factor(kind);
    outdated_ = false;
}

double CostModel::seconds_left() const {
    double sum = 0;
    for (const Kind& kind : kinds_) sum += std::max(kind.left, 0.0) * newest_factor(kind);
    return sum;
}

void CostModel::drop(std::uint32_t unit) {
    kinds_[kind_of_[unit]].left -= estimates_[unit];
}

void CostModel::take_back(std::uint32_t unit) {
    kinds_[kind_of_[unit]].left += estimates_[unit];
}

}  // namespace aocq::engine
