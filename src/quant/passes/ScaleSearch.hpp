// SPDX-License-Identifier: Apache-2.0
// The pass "scale_search": the scales of the weight and the input of every linear layer, and of
// both sides of every attention product, by alternating search over factors of the fitted scale for
// the smallest loss of the node's output on float inputs (EasyQuant, METHODS 2; PTQ4ViT, 3.2; Liu
// 2021, 3.3). Scales are cut as the scheme says (tensor, part, channel, head); twin grids are
// searched by their split or their upper scale. Put "fit" before it; it works on whole blocks, what
// follows a block belongs to it, and the patch embedding keeps its fit.
//   [method.scale_search]
//   objective = "hessian"   or "mse", "cosine", "pearson" (ScaleSearchOptions.hpp)
//   candidates = 100        factors, equally spaced, from
//   from = 0.5              the smallest to
//   to = 1.2                the largest
//   rounds = 3              of weight, then input; fewer where nothing changes any more
//   tokens = 0              of each image, evenly spaced, whose outputs count; as queries of all
//                           keys in attention, equally many in each window; 0: all
//   draws = 1               labels per image that the hessian's gradients are averaged over
//   as_released = false     gradients where prediction and target are equal, as PTQ4ViT's code has
//                           them: rounding noise
//   bias_correction = false after every round: the mean output error goes into the bias
//   rank_weight = 0.0       of the ranking loss in the objective of attention scores
//   rank_margin = 0.2
//   rank_rows = 16          of each head's map, evenly spaced, that the ranking loss sees
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_scale_search(Fields fields, Form form);

}  // namespace aocq::quant
