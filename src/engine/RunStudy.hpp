// SPDX-License-Identifier: Apache-2.0
// Runs a plan on all ranks and says how it ended.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "config/Study.hpp"
#include "engine/StudyFolder.hpp"
#include "par/Communicator.hpp"

namespace aocq::engine {

struct RunOptions {
    std::filesystem::path results = "results/runs";
    std::function<bool()> stop;  // asked often; true: stop at the next boundary
};

// `make_study` is called on rank 0 only; its study (and any error) reaches all ranks. Returns the
// exit code of the contract: 0, 3 or 75; errors are thrown, the same on every rank. \collective
int run_study_all(const par::Communicator& communicator,
                  const std::function<config::Study()>& make_study, const RunOptions& options);

}  // namespace aocq::engine
