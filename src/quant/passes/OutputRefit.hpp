// SPDX-License-Identifier: Apache-2.0
// Equivalent rewrites change what leaves the nodes between which they move a scale. Where such an
// output is quantized, its grid has to follow.
#pragma once

#include <cstddef>
#include <set>

#include "quant/Pass.hpp"

namespace aocq::quant {

// Fits the static output sites of these nodes of the block to the values that the rewritten float
// model has on the calibration images (Ranges.hpp), and with scores the integer softmax that counts
// in their steps.
void refit_outputs(const PassContext& context, QuantizedModel& model, std::size_t block,
                   const std::set<std::size_t>& nodes);

}  // namespace aocq::quant
