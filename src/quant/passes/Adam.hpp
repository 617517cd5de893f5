// SPDX-License-Identifier: Apache-2.0
// Adam (arXiv 1412.6980) with the learning rate falling along a cosine: what learns steps.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace aocq::quant {

class Adam {
  public:
    // `rate` at the first of `iterations` steps; zero after the last.
    Adam(std::vector<at::Tensor> leaves, double rate, int iterations)
        : leaves_(std::move(leaves)), rate_(rate), iterations_(iterations) {
        for (const at::Tensor& leaf : leaves_) {
            first_.push_back(at::zeros_like(leaf));
            second_.push_back(at::zeros_like(leaf));
        }
    }

    // Moves the leaves in place.
    void step(const std::vector<at::Tensor>& gradients) {
        const double phase = std::numbers::pi * done_ / iterations_;
        const double rate = rate_ * 0.5 * (1.0 + std::cos(phase));
        ++done_;
        for (std::size_t i = 0; i < leaves_.size(); ++i) {
            const at::Tensor g = gradients[i].detach();
            first_[i] = first_[i] * beta1 + g * (1 - beta1);
            second_[i] = second_[i] * beta2 + g.square() * (1 - beta2);
            const at::Tensor mean = first_[i] / (1 - std::pow(beta1, done_));
            const at::Tensor spread = (second_[i] / (1 - std::pow(beta2, done_))).sqrt();
            leaves_[i].detach().sub_(mean / (spread + 1e-12) * rate);
        }
    }

  private:
    static constexpr double beta1 = 0.9, beta2 = 0.999;
    std::vector<at::Tensor> leaves_, first_, second_;
    double rate_;
    int iterations_, done_ = 0;
};

}  // namespace aocq::quant
