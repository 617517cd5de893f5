// SPDX-License-Identifier: Apache-2.0
// AdaRound's relaxation (arXiv 2004.10568) for one layer whose output error is known through its
// input moments: no images are needed again, so an iteration costs O(O C^2).
#pragma once

#include <ATen/ATen.h>

namespace aocq::quant {

struct LearnedOptions {
    int iterations = 500;
    double rate = 1e-2;  // of Adam
    double regularizer =
        1.0;              // weight of sum(1 - |2h - 1|^beta), errors in units of nearest's mean
    double warmup = 0.2;  // share of the iterations without it
};

// weight [O, C] f64 in units of its grid (w / scale + zero point), scales [O, C] f64, hessian [C,
// C] f64, `top` the largest code. Returns codes [O, C] f64, each next to its weight from below or
// above.
at::Tensor learn_codes(const at::Tensor& position, const at::Tensor& scales,
                       const at::Tensor& hessian, double top, const LearnedOptions& options);

}  // namespace aocq::quant
