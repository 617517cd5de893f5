// SPDX-License-Identifier: Apache-2.0
// Small unit graphs for tests.
#pragma once

#include <fmt/format.h>

#include <vector>

#include "engine/dispatch/Unit.hpp"

namespace aocq::engine::test {

inline Unit make_unit(std::uint32_t index, std::vector<std::uint32_t> needs, double cost = 1,
                      const char* kind = "work") {
    Unit unit;
    unit.index = index;
    unit.key = fmt::format("key{}", index);
    unit.label = fmt::format("{} {}", kind, index);
    unit.kind = kind;
    unit.needs = std::move(needs);
    unit.cost = cost;
    unit.returns_payload = true;
    return unit;
}

// `count` units that need nothing.
inline UnitGraph flat_graph(std::uint32_t count, double cost = 1) {
    std::vector<Unit> units;
    for (std::uint32_t i = 0; i < count; ++i) units.push_back(make_unit(i, {}, cost));
    return UnitGraph(std::move(units));
}

// Like a study: chunks are collected, a chain of passes per experiment reads them all, and the last
// pass is evaluated in leases.
inline UnitGraph study_graph(std::uint32_t chunks, std::uint32_t experiments, std::uint32_t passes,
                             std::uint32_t leases) {
    std::vector<Unit> units;
    const auto next = [&] { return static_cast<std::uint32_t>(units.size()); };
    std::vector<std::uint32_t> all_chunks;
    for (std::uint32_t i = 0; i < chunks; ++i) {
        all_chunks.push_back(next());
        units.push_back(make_unit(next(), {}, 2, "collect"));
    }
    for (std::uint32_t experiment = 0; experiment < experiments; ++experiment) {
        auto needs = all_chunks;
        for (std::uint32_t pass = 0; pass < passes; ++pass) {
            units.push_back(make_unit(next(), needs, 1, "pass"));
            units.back().experiment = static_cast<int>(experiment);
            needs = {next() - 1};
        }
        for (std::uint32_t lease = 0; lease < leases; ++lease) {
            units.push_back(make_unit(next(), needs, 1, "evaluate"));
            units.back().experiment = static_cast<int>(experiment);
        }
    }
    return UnitGraph(std::move(units));
}

}  // namespace aocq::engine::test
