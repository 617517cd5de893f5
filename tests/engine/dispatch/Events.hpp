// SPDX-License-Identifier: Apache-2.0
// Event handlers that note what came, for tests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/dispatch/Coordinator.hpp"

namespace aocq::engine::test {

class NotedEvents : public CoordinatorEvents {
  public:
    struct Failure {
        int rank;
        Error error;
        std::vector<std::uint32_t> blocked;
    };

    void on_result(const Unit& unit, int rank, std::vector<std::byte> payload,
                   const UnitCost&) override {
        if (before_result) before_result(unit);
        ++results[unit.index];
        payloads[unit.index] = std::move(payload);
        ranks[unit.index] = rank;
    }
    void on_failure(const Unit& unit, int rank, const Error& error,
                    std::vector<std::uint32_t> blocked) override {
        failures.emplace(unit.index, Failure{rank, error, std::move(blocked)});
    }
    void on_tick(const DispatchView& now) override {
        ++ticks;
        last = now.counts;
        view = now;
    }
    void on_reopened(const Unit& unit, const Unit&, const Error&) override {
        reopened.push_back(unit.index);
    }
    std::vector<std::uint32_t> done() const {
        std::vector<std::uint32_t> units;
        for (const auto& entry : results) units.push_back(entry.first);
        return units;
    }

    std::function<void(const Unit&)> before_result;
    std::map<std::uint32_t, int> results;
    std::map<std::uint32_t, std::vector<std::byte>> payloads;
    std::map<std::uint32_t, int> ranks;
    std::map<std::uint32_t, Failure> failures;
    int ticks = 0;
    SchedulerCounts last;
    DispatchView view;
    std::vector<std::uint32_t> reopened;
};

}  // namespace aocq::engine::test
