// SPDX-License-Identifier: Apache-2.0
// Runs a plan on all ranks and says how it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "config/Study.hpp"
#include "engine/Part.hpp"
#include "par/Communicator.hpp"

namespace aocq::engine {

// Experiments that failed in an earlier run.
enum class FailedBefore { retry, leave };
// More ranks on a host than cores or GPUs.
enum class Oversubscription { refuse, allow };

struct RunOptions {
    std::filesystem::path results = "results/runs";
    std::filesystem::path cache;  // of stages; "": in the study's folder
    Part part;
    // Asked often: why to stop at the next boundary, "" to go on.
    std::function<std::string()> stop = [] { return std::string(); };
    std::optional<std::size_t> max_failures;  // failed experiments after which the run ends
    FailedBefore failed_before = FailedBefore::retry;
    Oversubscription oversubscription = Oversubscription::refuse;
    std::uint64_t memory = 0;   // bytes that a rank may use for calibration images; 0: any
    double silence_limit = 60;  // s without a word from a rank until it counts as lost
};

// `make_study` is called on rank 0 only; its study (and any error) reaches all ranks. Returns the
// exit code of the contract: 0, 3 or 75; errors are thrown, the same on every rank. \collective
int run_study_all(const par::Communicator& communicator,
                  const std::function<config::Study()>& make_study, const RunOptions& options);

}  // namespace aocq::engine
