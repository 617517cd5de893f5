// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Unit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "core/Error.hpp"
#include "core/Sha256.hpp"

namespace aocq::engine {
namespace {

Error wrong(const Unit& unit, const char* problem) {
    return Error::internal(problem).at("unit", unit.label).at("key", unit.key);
}

}  // namespace

UnitGraph::UnitGraph(std::vector<Unit> units) : units_(std::move(units)) {
    check_units();
    link_dependents();
    sort_topologically();
    take_fingerprint();
}

const Unit& UnitGraph::unit(std::uint32_t index) const {
    AOCQ_EXPECT(index < units_.size());
    return units_[index];
}

std::span<const std::uint32_t> UnitGraph::dependents(std::uint32_t index) const {
    AOCQ_EXPECT(index < units_.size());
    const auto all = std::span(dependents_);
    return all.subspan(first_dependent_[index],
                       first_dependent_[index + 1] - first_dependent_[index]);
}

void UnitGraph::check_units() const {
    AOCQ_EXPECT(units_.size() < std::numeric_limits<std::uint32_t>::max());
    std::unordered_set<std::string_view> keys;
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const Unit& unit = units_[i];
        if (unit.index != i) throw wrong(unit, "a unit's index is not its position");
        if (unit.key.empty()) throw wrong(unit, "a unit has no key");
        if (!keys.insert(unit.key).second) throw wrong(unit, "two units have the same key");
        if (!std::isfinite(unit.cost) || unit.cost < 0) {
            throw wrong(unit, "a unit's cost is not a number of seconds");
        }
        for (const std::uint32_t need : unit.needs) {
            if (need >= units_.size()) throw wrong(unit, "a unit needs one that does not exist");
        }
        auto needs = unit.needs;
        std::sort(needs.begin(), needs.end());
        if (std::adjacent_find(needs.begin(), needs.end()) != needs.end()) {
            throw wrong(unit, "a unit names a need twice");
        }
    }
}

void UnitGraph::link_dependents() {
    first_dependent_.assign(units_.size() + 1, 0);
    for (const Unit& unit : units_) {
        for (const std::uint32_t need : unit.needs) ++first_dependent_[need + 1];
    }
    for (std::size_t i = 0; i < units_.size(); ++i) first_dependent_[i + 1] += first_dependent_[i];
    dependents_.resize(first_dependent_.back());
    auto next = first_dependent_;
    for (const Unit& unit : units_) {
        for (const std::uint32_t need : unit.needs) dependents_[next[need]++] = unit.index;
    }
}

void UnitGraph::sort_topologically() {
    std::vector<std::size_t> open(units_.size());
    order_.reserve(units_.size());
    for (const Unit& unit : units_) {
        open[unit.index] = unit.needs.size();
        if (unit.needs.empty()) order_.push_back(unit.index);
    }
    for (std::size_t i = 0; i < order_.size(); ++i) {
        for (const std::uint32_t child : dependents(order_[i])) {
            if (--open[child] == 0) order_.push_back(child);
        }
    }
    if (order_.size() == units_.size()) return;
    const auto stuck = std::find_if(open.begin(), open.end(), [](std::size_t n) { return n > 0; });
    throw wrong(units_[static_cast<std::size_t>(stuck - open.begin())],
                "units need each other in a circle");
}

void UnitGraph::take_fingerprint() {
    Sha256 hash;
    for (const Unit& unit : units_) {
        hash.update(fmt::format("{}:{}", unit.key.size(), unit.key));
        for (const std::uint32_t need : unit.needs) hash.update(fmt::format(",{}", need));
        hash.update("\n");
    }
    fingerprint_ = hash.hex();
}

}  // namespace aocq::engine
