// SPDX-License-Identifier: Apache-2.0
// The pass "sequential_fit": ranges from all values of the calibration images, operand by operand
// in the order of the graph, each seen behind the operands before it as they are quantized, weights
// included (what RepQ-ViT's and other released codes do in their first forward pass). It goes from
// the first block to the logits; what lies before keeps what `fit` gave it.
//   [method.sequential_fit]
//   observer = "candidates"   also minmax, percentile, mse, omse (slow on many values)
//   percentile, power, steps  of the observer
//   norm_inputs = "scheme"    "channel": inputs of linear layers behind a LayerNorm get a grid per
//                             channel, zero inside or not, for `reparameterize` to make one of
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_sequential_fit(Fields fields, Form form);

}  // namespace aocq::quant
