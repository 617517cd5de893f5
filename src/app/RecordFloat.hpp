// SPDX-License-Identifier: Apache-2.0
// Counts of float models, measured and kept for the float gate (engine/FloatGate.hpp).
#pragma once

#include "config/Study.hpp"
#include "core/Files.hpp"

namespace aocq::app {

// Evaluates every float model of the study and appends its [[count]] to `file`, which is made where
// it is missing. Error(input), and nothing is written, where a count contradicts what is known.
void record_float(const config::Study& study, const Json& facts, const fs::path& file);

}  // namespace aocq::app
