// SPDX-License-Identifier: Apache-2.0
// The pass "activation_step", AOCQ's framework level as reconstructed in METHODS 0.4(B) and 0.5: an
// extra stage that optimises the quantization steps of activations, site by site in the order of
// the block, for the smallest token-weighted error of the consuming layer's output, on inputs as
// the quantized prefix makes them.
// In a recipe it may stand before or after weight_rounding: it takes the weights as they are.
// Static quantizers are optimised; a dynamic one (per token) follows its data and has nothing to
// optimise.
//   [method.activation_step]
//   form = "search"     coordinate search over the ends of a range; "lsq", "pact", "dsq": gradients
//                       (LearnableStep.hpp); a logarithmic grid is always searched
//   margin = 0.0        smallest share of the error that must be gained on held-back images
//   tokens, token_power how much each token counts (TokenWeights.hpp)
// search, and gradients with objective = "layer":
//   rounds = 2          coarse factors first, then fine ones
//   rows = 0            tokens that a search looks at; 0: about half a million values
//   images = 4          images for the steps inside the attention
//   mean = "removed"    or "kept": whether the mean error counts (a bias may make it good)
// gradients only:
//   objective = "layer" site by site by the consuming layer's output; "block": all sites of a block
//                       at once by the block's output
//   target = "prefix"   of the block's objective: the float block on the quantized prefix's output,
//                       or "teacher": on the float prefix's output
//   iterations = 200    of Adam, its rate falling along a cosine
//   batch = 8           images of an iteration ("block")
//   rate = 0.01         in units of the log step (lsq) or of the range
//   decay = 0.01        of PACT's penalty on the ends, relative to the first error
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_activation_step(Fields fields, Form form);

}  // namespace aocq::quant
