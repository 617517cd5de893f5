// SPDX-License-Identifier: Apache-2.0
// The results of a study as they lie on disk, for status and report.
#pragma once

#include <string>
#include <vector>

#include "app/StudyArguments.hpp"
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

enum class State { done, failed, pending };
std::string_view to_string(State state);

struct ExperimentState {
    State state = State::pending;
    std::string cause;  // of a failure
};
ExperimentState state_of(const OpenedStudy& opened, std::size_t experiment);

std::vector<report::ResultRow> collect_rows(const OpenedStudy& opened);

// "observer=mse, bits=W4A8"
std::string describe(const config::Coordinates& coordinates);

// Writes tables/NAME.{txt,md,csv} and tables/results.csv; returns the text of all tables.
std::string write_tables(const OpenedStudy& opened);

}  // namespace aocq::app
