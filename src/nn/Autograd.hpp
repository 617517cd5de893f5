// SPDX-License-Identifier: Apache-2.0
// Gradients of what the executor computed, and the mode in which it computes.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

namespace aocq::nn {

// d(sum of scalar)/d(each of wrt); zeros where there is no path. `scalar` is a one-element tensor.
std::vector<at::Tensor> gradients(const at::Tensor& scalar, const std::vector<at::Tensor>& wrt);

// A detached copy that gradients can be taken for.
at::Tensor leaf(const at::Tensor& x);

// No gradient bookkeeping in this scope: every evaluation and collection runs inside one.
class NoGradients {
  public:
    NoGradients();
    ~NoGradients();
    NoGradients(const NoGradients&) = delete;
    NoGradients& operator=(const NoGradients&) = delete;

  private:
    struct Guard;
    std::unique_ptr<Guard> guard_;
};

}  // namespace aocq::nn
