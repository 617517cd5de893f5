// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyEvents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Log.hpp"

namespace aocq::engine {
namespace {

constexpr double seconds_per_segment = 2.0;
constexpr double seconds_per_costs = 30.0;  // the whole file each time

}  // namespace

StudyEvents::StudyEvents(const Work& work, const StudyFolder& folder, const StudyLock& lock,
                         ResultStore& results, const std::string& numerics, std::size_t settled,
                         std::optional<std::size_t> max_failures)
    : work_(work),
      folder_(folder),
      lock_(lock),
      results_(results),
      max_failures_(max_failures),
      bar_("units", work.graph.size()),
      progress_(work, folder.progress(), numerics, results.finished_ids(), results.begun_ids()),
      costs_(folder.costs()) {
    bar_.start_at(settled);
}

void StudyEvents::on_result(const Unit& unit, int, std::vector<std::byte> payload,
                            const UnitCost& cost) {
    lock_.require_in_place();
    results_.add(unit, std::move(payload));
    progress_.note_result(unit);
    costs_.note(unit, cost);
}

void StudyEvents::on_failure(const Unit& unit, int rank, const Error& error,
                             std::vector<std::uint32_t> blocked) {
    log_error("unit '{}' failed on rank {}: {}", unit.label, rank, error.what());
    lock_.require_in_place();
    blocked.push_back(unit.index);
    const std::set<std::uint32_t> lost(blocked.begin(), blocked.end());
    for (const ExperimentWork& experiment : work_.experiments) {
        const bool hit = std::any_of(experiment.leases.begin(), experiment.leases.end(),
                                     [&](std::uint32_t lease) { return lost.contains(lease); });
        if (!hit || !failed_.insert(experiment.id).second) continue;
        const Json record = {{"error", to_json(error)}, {"stage", unit.label}, {"rank", rank}};
        write_text(folder_.failure(experiment.id), canonical_json(record) + "\n");
    }
    if (has_enough()) {
        log_error("{} experiments have failed: the run ends (--max-failures)", failed_.size());
    }
}

void StudyEvents::on_reopened(const Unit& unit, const Unit& asking, const Error& error) {
    log_warning("'{}' is done again, since '{}' cannot read what it made: {}", unit.label,
                asking.label, error.what());
}

void StudyEvents::on_tick(const DispatchView& view) {
    bar_.update(view.counts.done,
                fmt::format("{} experiments finished", results_.finished_count()));
    lock_.require_in_place();
    progress_.update(view);
    if (view.elapsed_seconds - last_segment_ >= seconds_per_segment) {
        last_segment_ = view.elapsed_seconds;
        results_.write_segment();
    }
    if (view.elapsed_seconds - last_costs_ >= seconds_per_costs) {
        last_costs_ = view.elapsed_seconds;
        costs_.write();
    }
}

void StudyEvents::on_lost(const Error& error) {
    end(RunState::stopped, error.what());
}

bool StudyEvents::has_enough() const {
    return max_failures_ && failed_.size() >= *max_failures_;
}

void StudyEvents::end(RunState state, const std::string& cause) {
    lock_.require_in_place();
    results_.write_segment();
    costs_.write();
    progress_.end(state, cause);
}

}  // namespace aocq::engine
