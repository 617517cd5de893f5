// SPDX-License-Identifier: Apache-2.0
// The pass "power_of_two_factor" (FQ-ViT, METHODS 3.1): every channel of a residual value takes the
// step s1 * 2^k, k = 0 .. factors, that gives the calibration images' values the smallest square
// error; all share a zero point. s1 * 2^factors is the step of the whole value's exact range, as
// the statistics know it. It fits the static sites with granularity = "channel" of its kinds.
//   [method.power_of_two_factor]
//   kind = ["residual"]     patterns
//   factors = 3             0..8; 0 is one grid for all channels
//   zero_point = "widest" | "finest"   the step it is counted in: the released code, the paper
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_power_of_two_factor(Fields fields, Form form);

}  // namespace aocq::quant
