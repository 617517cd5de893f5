// SPDX-License-Identifier: Apache-2.0
// Every result in long form, one line per experiment and metric: what other programs read.
#pragma once

#include <span>
#include <string>

#include "report/ResultRow.hpp"

namespace aocq::report {

// CSV: experiment, model, bits, seed, every axis, metric, value, n, low, high. Shares of images in
// percent, the divergence in nats, low and high the 95 % interval; all three are empty where an
// experiment has no result. The axes `bits` and `seed` are the columns of that name. Float models
// have no lines for what compares with the float model.
std::string long_table_csv(std::span<const ResultRow> rows, std::span<const std::string> axis_keys);

}  // namespace aocq::report
