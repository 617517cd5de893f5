// SPDX-License-Identifier: Apache-2.0
// The pass "channel_balance", AOCQ's operator level as reconstructed in METHODS 0.4(A) and 0.5: per
// site a scale and a shift of every channel, folded so that the float function stays the same,
// searched for the smallest token-weighted output error of the quantized layer. A change is kept
// only if it also gains on calibration images that the search did not use.
//   [method.channel_balance]
//   sites = ["norm", "value", "activation", "scores"]
//   alpha = [0.0, 0.2, .. 1.0]   exponents tried; 0 with no shift is the unchanged site
//   shift = true                 try centred channels too
//   power_of_two = false         round scales to powers of two (shifts in hardware)
//   margin = 0.02                smallest share of the error that must be gained
//   rows = 1024                  tokens that the search looks at
//   refinements = 0              steps of Adam on the logarithm of every channel's scale after the
//                                search, by the gradient of the same error (not for "scores")
//   refinement_rate = 0.02       of its first step, falling along a cosine
//   judges = 0                   held-back images on whose logits a change is judged; 0: the
//   layer's
//                                own error decides
//   tokens, token_power          how much each token counts (TokenWeights.hpp)
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_channel_balance(Fields fields, Form form);

}  // namespace aocq::quant
