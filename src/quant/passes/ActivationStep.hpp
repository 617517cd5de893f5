// SPDX-License-Identifier: Apache-2.0
// The pass "activation_step", AOCQ's framework level as reconstructed in METHODS 0.4(B) and 0.5: an
// extra stage that optimises the quantization steps of activations, site by site in the order of
// the block, for the smallest token-weighted error of the consuming layer's output, on inputs as
// the quantized prefix makes them.
//   [method.activation_step]
//   rounds = 2          coarse factors first, then fine ones
//   rows = 0            tokens that a search looks at; 0: about half a million values
//   images = 4          images for the steps inside the attention
//   margin = 0.0        smallest share of the error that must be gained on held-back images
//   mean = "removed"    or "kept": whether the mean error counts (a bias may make it good)
//   token_power = 0.5   of the gradient norm in the token weights; 0: all tokens alike
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_activation_step(Fields fields, Form form);

}  // namespace aocq::quant
