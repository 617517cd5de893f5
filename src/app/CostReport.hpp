// SPDX-License-Identifier: Apache-2.0
// What `aocq status --costs` and `--method-costs` print. Times differ from run to run, so they
// stand in no table.
#pragma once

#include "app/Results.hpp"

namespace aocq::app {

// By stage, of all runs; as text or JSON.
void print_costs(const OpenedStudy& opened, bool json);

// By experiment, as CSV: experiment, model, bits, every axis, seconds, user_cpu_seconds, peak_bytes
// of the quantization alone, and how many of its stages the sums lack (from a cache of another
// study, or not done yet).
void print_method_costs(const OpenedStudy& opened);

}  // namespace aocq::app
