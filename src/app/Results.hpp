// SPDX-License-Identifier: Apache-2.0
// The results of a study as they lie on disk, for status and report.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/StudyArguments.hpp"
#include "engine/RunProgress.hpp"
#include "engine/StudyFolder.hpp"
#include "engine/Work.hpp"
#include "report/ResultRow.hpp"

namespace aocq::app {

struct OpenedStudy {
    config::Study study;
    engine::Work work;
    engine::StudyFolder folder;
    std::string numerics;
};

// Looks up what the study points at and works out its keys. Nothing is written.
OpenedStudy open_study(const StudyArguments& arguments);

enum class State {
    pending,
    running,
    done,
    cached,     // done, and already so when the last run began
    failed,     // cause: stage, rank and error
    preempted,  // begun by a run that was stopped or killed
    stale,      // done by other sources or on another numerics class, not by these
};
std::string_view to_string(State state);

struct ExperimentState {
    State state = State::pending;
    std::string cause;
};

// What the runs of a study left, read once for all experiments.
class StudyState {
  public:
    explicit StudyState(const OpenedStudy& opened);

    ExperimentState of(std::size_t experiment) const;
    // Of every run that goes on or was the last of its part.
    struct Run {
        engine::RunProgress progress;
        bool alive = false;
    };
    const std::vector<Run>& runs() const { return runs_; }

  private:
    std::optional<ExperimentState> failure_of(const std::string& id) const;

    const OpenedStudy& opened_;
    std::vector<Run> runs_;
    std::set<std::string> other_results_;  // ids of results under keys that are not this plan's
};

std::vector<report::ResultRow> collect_rows(const OpenedStudy& opened);

// "observer=mse, bits=W4A8"
std::string describe(const config::Coordinates& coordinates);

// Error(config) where the folder has results, but none that is this program's: a table of it would
// be empty and take the place of a full one.
void refuse_other_results(const OpenedStudy& opened);

// Writes tables/NAME.{txt,md,csv} and tables/results.csv; returns the text of all tables.
std::string write_tables(const OpenedStudy& opened);

}  // namespace aocq::app
