// SPDX-License-Identifier: Apache-2.0
// The pass "mixed_precision" (Liu 2021, METHODS 3.3): one width per attention and per MLP module of
// every block, for its weights and activations, so that the weights together are no larger than at
// the widths that the rules gave. A module's loss at a width is
//   sum over images of |Y|_* |Y^ - Y|^2   (nuclear norm of its float output Y),
// with only this module quantized, its scales from extremes. The widths win over the rules'; sites
// outside such modules keep theirs. Put "fit" behind it.
//   [method.mixed_precision]
//   offsets = [-2, -1, 0, 1, 2]   bits more or less than the rules' width
//   largest = 8                   width; beyond 8 the simulation runs and the integer runtime does
//                                 not
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_mixed_precision(Fields fields, Form form);

}  // namespace aocq::quant
