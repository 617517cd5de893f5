// SPDX-License-Identifier: Apache-2.0
#include "nn/Autograd.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/Error.hpp"

namespace aocq::nn {

std::vector<at::Tensor> gradients(const at::Tensor& scalar, const std::vector<at::Tensor>& wrt) {
    AOCQ_EXPECT(scalar.numel() == 1);
    auto found = torch::autograd::grad({scalar}, wrt, {}, false, false, true);
    for (std::size_t i = 0; i < wrt.size(); ++i) {
        if (!found[i].defined()) found[i] = at::zeros_like(wrt[i]);
    }
    return found;
}

at::Tensor leaf(const at::Tensor& x) {
    return x.detach().clone().requires_grad_(true);
}

struct NoGradients::Guard {
    at::NoGradGuard guard;
};
NoGradients::NoGradients() : guard_(std::make_unique<Guard>()) {}
NoGradients::~NoGradients() = default;

}  // namespace aocq::nn
