// SPDX-License-Identifier: Apache-2.0
// What quantizing took for one experiment: everything from its calibration images to its quantized
// model, without evaluation.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "engine/CostBook.hpp"
#include "engine/Work.hpp"

namespace aocq::engine {

struct MethodCost {
    std::size_t units = 0, unknown = 0;  // unknown: from a cache or not done yet, in no book
    UnitCost total;                      // sums of seconds; the largest peak
};

// Units that several experiments share count in full for each of them. Nothing for float.
MethodCost method_cost(const Work& work, std::size_t experiment,
                       const std::map<std::string, CostEntry>& entries);

}  // namespace aocq::engine
