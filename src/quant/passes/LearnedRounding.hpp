// SPDX-License-Identifier: Apache-2.0
// AdaRound's relaxation (SoftRounding.hpp) for one layer whose output error is known through its
// input moments: no images are needed again, so an iteration costs O(O C^2).
#pragma once

#include <ATen/ATen.h>

#include "quant/passes/SoftRounding.hpp"

namespace aocq::quant {

// All [O, C] f64.
struct RoundingChoice {
    at::Tensor position;  // the weight in units of its grid: w / scale + zero point
    at::Tensor lower;     // codes are lower + 0 or lower + 1
    at::Tensor share;     // where h starts, 0..1
    at::Tensor scales;    // of the grid
};

// hessian [C, C] f64, `top` the largest code. Returns codes [O, C] f64 within 0..top.
at::Tensor learn_codes(const RoundingChoice& choice, const at::Tensor& hessian, double top,
                       const SoftOptions& options);

}  // namespace aocq::quant
