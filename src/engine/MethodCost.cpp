// SPDX-License-Identifier: Apache-2.0
#include "engine/MethodCost.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace aocq::engine {
namespace {

bool quantizes(const Task& task) {
    return !std::holds_alternative<FloatTask>(task) && !std::holds_alternative<GateTask>(task) &&
           !std::holds_alternative<EvaluateTask>(task);
}

// What the units need, directly or not.
std::set<std::uint32_t> needed_by(const UnitGraph& graph, std::vector<std::uint32_t> open) {
    std::set<std::uint32_t> needed;
    while (!open.empty()) {
        const std::uint32_t unit = open.back();
        open.pop_back();
        for (const std::uint32_t need : graph.unit(unit).needs) {
            if (needed.insert(need).second) open.push_back(need);
        }
    }
    return needed;
}

}  // namespace

MethodCost method_cost(const Work& work, std::size_t experiment,
                       const std::map<std::string, CostEntry>& entries) {
    MethodCost cost;
    for (const std::uint32_t unit : needed_by(work.graph, work.experiments[experiment].leases)) {
        if (!quantizes(work.tasks[unit])) continue;
        ++cost.units;
        const auto found = entries.find(work.graph.unit(unit).key);
        if (found == entries.end()) {
            ++cost.unknown;
            continue;
        }
        const UnitCost& one = found->second.cost;
        cost.total.seconds += one.seconds;
        cost.total.cpu_seconds += one.cpu_seconds;
        cost.total.peak_bytes = std::max(cost.total.peak_bytes, one.peak_bytes);
    }
    return cost;
}

}  // namespace aocq::engine
