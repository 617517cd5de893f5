// SPDX-License-Identifier: Apache-2.0
// What a run is doing, for other shells to read: progress.json in the study's folder, replaced
// every second or so. It holds times and hosts, so nothing of it enters a table or a key.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/Json.hpp"
#include "engine/StudyFolder.hpp"
#include "engine/Work.hpp"
#include "engine/dispatch/Coordinator.hpp"

namespace aocq::engine {

enum class RunState { running, finished, stopped, failed };

struct WorkerProgress {
    int rank = 0;
    std::string host;
    std::string unit;  // label; "" for none
    double seconds = 0;
};

struct RunProgress {
    RunState state = RunState::running;
    std::string cause;  // why it stopped or failed
    std::string numerics;
    std::int64_t started = 0, updated = 0;  // seconds since 1970
    SchedulerCounts units;
    double units_per_second = 0;
    double seconds_left = 0;  // with the ranks of this run
    std::vector<WorkerProgress> workers;
    std::set<std::string> running, begun, reused;  // ids of experiments
};

Json to_json(const RunProgress& progress);
RunProgress run_progress_from_json(const Json& value);

// Nothing where no run has been, or where its file cannot be read.
std::optional<RunProgress> read_progress(const fs::path& file);

// Fills in and writes the file while a run goes on.
class ProgressWriter {
  public:
    // `reused`: experiments that were finished before the run began.
    ProgressWriter(const Work& work, fs::path file, std::string numerics,
                   std::set<std::string> reused, std::set<std::string> begun);

    void note_result(const Unit& unit);
    void update(const DispatchView& view);  // writes about once a second
    void end(RunState state, const std::string& cause);

  private:
    void write();
    std::set<std::string> experiments_of(std::uint32_t unit) const;

    const Work& work_;
    fs::path file_;
    RunProgress progress_;
    std::vector<std::vector<std::uint32_t>> experiments_;  // [unit]
    double last_written_ = -1e9;
};

}  // namespace aocq::engine
