// SPDX-License-Identifier: Apache-2.0
// AdaRound's relaxation of a choice between two neighbouring codes (arXiv 2004.10568): the code is
// lower + h(v) with the stretched sigmoid h = clip(sigmoid(v) (zeta - gamma) + gamma, 0, 1), and a
// regularizer sum(1 - |2h - 1|^beta) drives every h to 0 or 1 as beta falls.
#pragma once

#include <ATen/ATen.h>

#include "quant/passes/Adam.hpp"

namespace aocq::quant {

struct SoftOptions {
    int iterations = 500;
    double rate = 1e-2;        // of Adam
    double regularizer = 1.0;  // beside a loss of which a weight's mean share is one at the start
    double warmup = 0.2;       // share of the iterations without it
    double first_beta = 20.0, last_beta = 2.0;
};

class SoftRounding {
  public:
    // lower, share: of one shape, f32 or f64. Codes are lower + 0 or lower + 1 within 0..top; h
    // starts at the share.
    SoftRounding(at::Tensor lower, const at::Tensor& share, double top, const SoftOptions& options);

    // The codes as they are now, between whole numbers.
    at::Tensor codes();
    // One step of Adam; `gradient` of the loss to the codes that codes() gave last.
    void step(const at::Tensor& gradient);
    // The gradient that a step follows: of loss and regularizer to the variables v.
    at::Tensor gradient_to_variables(const at::Tensor& gradient) const;
    const at::Tensor& variables() const { return v_; }
    // Whole codes: h rounded.
    at::Tensor rounded() const;
    // Mean of 1 - |2h - 1|: 0 when every code has been decided.
    double undecided() const;

  private:
    at::Tensor stretched() const;
    void add_regularizer(at::Tensor& gradient) const;

    SoftOptions options_;
    double top_;
    at::Tensor lower_, v_, free_;  // free_: 1 where both neighbours are codes
    at::Tensor sigmoid_, h_;       // of the last codes()
    Adam adam_;
    int done_ = 0;
};

}  // namespace aocq::quant
