// SPDX-License-Identifier: Apache-2.0
// The pass "weight_rounding", AOCQ's loss level as reconstructed in METHODS 0.4(C) and 0.5: the
// imbalance of tokens and channels enters the rounding of the weights through
//   tr(dW H dW^T),  H = sum over tokens of w_t x_t x_t^T  (x quantized and centred),
// and a cross term moves the weights to where they make good the error of the quantized input:
//   W~ = W + W B^T (H + ridge I)^-1,  B = sum of w_t x_t (u_t - x_t)^T, u the input before
//   rounding.
// With an output side it is tr(G dW H dW^T). Layers in the order of the block, on inputs from the
// quantized prefix; biases absorb the mean error. Neutral form: all tokens alike and no cross term,
// with the same solver.
//   [method.weight_rounding]
//   solver = "descent"   "nearest": codes next to W~; "sweep": column by column (GPTQ, arXiv
//                        2210.17323); "halves": ERQ's half by half (HalvesRounding.hpp), with
//                        `ridge`; "descent": sweep, then coordinate descent with refitted
//                        scales; "learned": AdaRound's relaxation (arXiv 2004.10568) on the same H
//   rounds = 2           of coordinate descent
//   refinement = "none"  "learned": after the descent, AdaRound's relaxation between each code and
//                        its neighbour, kept where it gains
//   output = "identity"  the output side G of tr(G dW H dW^T) (OutputFactor.hpp): "diagonal",
//                        "full" (rows take part in each other's errors; descent, learned)
//   shrink = 0.5         share of its diagonal in the full G
//   cross = true         the cross term
//   teacher = 0.0        share of the float model's own input in u, so that what earlier layers
//                        left is made good too; the rest is the input behind the quantized prefix.
//                        The bias follows it even where cross = false
//   ridge = 0.0          share of the mean diagonal of H; 0: what gains most when the moments of
//                        one half of the images are tried on the other (RidgeChoice.hpp), and 0.1 /
//                        0.03 / 0.01 at 4 / 6 / 8 bits for a single image and for "halves"
//   damping = 0.01       share of the mean diagonal of H, for the sweep
//   bias = true          correct the bias
//   schedule = "smoke"   of "learned": "smoke" 500 iterations, "full" 20000
//   tokens, token_power  how much each token counts (TokenWeights.hpp)
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_weight_rounding(Fields fields, Form form);

}  // namespace aocq::quant
