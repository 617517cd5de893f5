// SPDX-License-Identifier: Apache-2.0
#include "engine/RunProgress.hpp"

#include <algorithm>
#include <ctime>

#include "core/EnumTable.hpp"
#include "core/Fields.hpp"
#include "core/Log.hpp"

namespace aocq::engine {
namespace {

constexpr double seconds_between_writes = 1.0;
constexpr std::uint64_t largest_file = 256U << 20;

constexpr EnumTable<RunState, 4> run_states{{{{RunState::running, "running"},
                                              {RunState::finished, "finished"},
                                              {RunState::stopped, "stopped"},
                                              {RunState::failed, "failed"}}}};

Json units_json(const SchedulerCounts& units) {
    return {{"total", units.total},     {"reused", units.reused},  {"done", units.done},
            {"running", units.running}, {"ready", units.ready},    {"waiting", units.waiting},
            {"failed", units.failed},   {"blocked", units.blocked}};
}

SchedulerCounts units_from_json(const Json& value) {
    SchedulerCounts units;
    units.total = value.at("total").get<std::size_t>();
    units.reused = value.at("reused").get<std::size_t>();
    units.done = value.at("done").get<std::size_t>();
    units.running = value.at("running").get<std::size_t>();
    units.ready = value.at("ready").get<std::size_t>();
    units.waiting = value.at("waiting").get<std::size_t>();
    units.failed = value.at("failed").get<std::size_t>();
    units.blocked = value.at("blocked").get<std::size_t>();
    return units;
}

}  // namespace

Json to_json(const RunProgress& progress) {
    Json workers = Json::array();
    for (const auto& worker : progress.workers) {
        workers.push_back({{"rank", worker.rank},
                           {"host", worker.host},
                           {"unit", worker.unit},
                           {"seconds", worker.seconds}});
    }
    return {
        {"state", run_states.name(progress.state)},
        {"cause", progress.cause},
        {"numerics", progress.numerics},
        {"started", progress.started},
        {"updated", progress.updated},
        {"units", units_json(progress.units)},
        {"units_per_second", progress.units_per_second},
        {"seconds_left", progress.seconds_left},
        {"workers", workers},
        {"experiments",
         {{"running", progress.running}, {"begun", progress.begun}, {"reused", progress.reused}}}};
}

RunProgress run_progress_from_json(const Json& value) {
    RunProgress progress;
    const auto state = run_states.find(value.at("state").get<std::string>());
    if (!state) throw Error::input("the progress of a run has an unknown state");
    progress.state = *state;
    progress.cause = value.at("cause").get<std::string>();
    progress.numerics = value.at("numerics").get<std::string>();
    progress.started = value.at("started").get<std::int64_t>();
    progress.updated = value.at("updated").get<std::int64_t>();
    progress.units = units_from_json(value.at("units"));
    progress.units_per_second = value.at("units_per_second").get<double>();
    progress.seconds_left = value.at("seconds_left").get<double>();
    for (const Json& worker : value.at("workers")) {
        progress.workers.push_back(
            {worker.at("rank").get<int>(), worker.at("host").get<std::string>(),
             worker.at("unit").get<std::string>(), worker.at("seconds").get<double>()});
    }
    const Json& experiments = value.at("experiments");
    progress.running = experiments.at("running").get<std::set<std::string>>();
    progress.begun = experiments.at("begun").get<std::set<std::string>>();
    progress.reused = experiments.at("reused").get<std::set<std::string>>();
    return progress;
}

std::optional<RunProgress> read_progress(const fs::path& file) {
    if (!fs::exists(file)) return std::nullopt;
    try {
        return run_progress_from_json(parse_json(read_text(file, largest_file), file.string()));
    } catch (const std::exception& error) {
        log_warning("the progress of the last run cannot be read: {}", error.what());
        return std::nullopt;
    }
}

ProgressWriter::ProgressWriter(const Work& work, fs::path file, std::string numerics,
                               std::set<std::string> reused, std::set<std::string> begun)
    : work_(work), file_(std::move(file)), experiments_(work.graph.size()) {
    progress_.numerics = std::move(numerics);
    progress_.reused = std::move(reused);
    progress_.begun = std::move(begun);
    progress_.started = std::time(nullptr);
    for (std::uint32_t i = 0; i < work.experiments.size(); ++i) {
        for (const auto lease : work.experiments[i].leases) experiments_[lease].push_back(i);
    }
    for (const Unit& unit : work.graph.units()) {
        auto& owners = experiments_[unit.index];
        if (owners.empty() && unit.experiment >= 0) {
            owners.push_back(static_cast<std::uint32_t>(unit.experiment));
        }
    }
}

std::set<std::string> ProgressWriter::experiments_of(std::uint32_t unit) const {
    std::set<std::string> ids;
    for (const auto experiment : experiments_[unit]) ids.insert(work_.experiments[experiment].id);
    return ids;
}

void ProgressWriter::note_result(const Unit& unit) {
    progress_.begun.merge(experiments_of(unit.index));
}

void ProgressWriter::update(const DispatchView& view) {
    progress_.units = view.counts;
    progress_.workers.clear();
    progress_.running.clear();
    for (std::size_t rank = 0; rank < view.ranks.size(); ++rank) {
        const RankView& one = view.ranks[rank];
        WorkerProgress worker{static_cast<int>(rank), one.host, "", one.seconds};
        if (one.unit) {
            worker.unit = work_.graph.unit(*one.unit).label;
            progress_.running.merge(experiments_of(*one.unit));
        }
        progress_.workers.push_back(std::move(worker));
    }
    const auto fresh = static_cast<double>(view.counts.done - view.counts.reused);
    progress_.units_per_second = view.elapsed_seconds > 0 ? fresh / view.elapsed_seconds : 0;
    progress_.seconds_left =
        view.counts.seconds_left / static_cast<double>(std::max<std::size_t>(view.ranks.size(), 1));
    if (view.elapsed_seconds - last_written_ < seconds_between_writes) return;
    last_written_ = view.elapsed_seconds;
    write();
}

void ProgressWriter::end(RunState state, const std::string& cause) {
    progress_.state = state;
    progress_.cause = cause;
    progress_.workers.clear();
    progress_.running.clear();
    write();
}

void ProgressWriter::write() {
    progress_.updated = std::time(nullptr);
    write_text(file_, canonical_json(to_json(progress_)) + "\n");
}

}  // namespace aocq::engine
