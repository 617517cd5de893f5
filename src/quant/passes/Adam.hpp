// SPDX-License-Identifier: Apache-2.0
// Adam (arXiv 1412.6980): what learns steps and rounding variables.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace aocq::quant {

enum class RateDecay { cosine, none };

class Adam {
  public:
    // `rate` at the first of `iterations` steps; with the cosine it is zero after the last.
    Adam(std::vector<at::Tensor> leaves, double rate, int iterations,
         RateDecay decay = RateDecay::cosine)
        : leaves_(std::move(leaves)), rate_(rate), iterations_(iterations), decay_(decay) {
        for (const at::Tensor& leaf : leaves_) {
            first_.push_back(at::zeros_like(leaf));
            second_.push_back(at::zeros_like(leaf));
        }
    }

    // Moves the leaves in place.
    void step(const std::vector<at::Tensor>& gradients) {
        const double phase = std::numbers::pi * done_ / iterations_;
        const double rate =
            decay_ == RateDecay::cosine ? rate_ * 0.5 * (1.0 + std::cos(phase)) : rate_;
        ++done_;
        const double first_share = 1 - std::pow(beta1, done_);
        const double second_share = 1 - std::pow(beta2, done_);
        for (std::size_t i = 0; i < leaves_.size(); ++i) {
            const at::Tensor g = gradients[i].detach();
            first_[i].mul_(beta1).add_(g, 1 - beta1);
            second_[i].mul_(beta2).addcmul_(g, g, 1 - beta2);
            const at::Tensor spread = (second_[i] / second_share).sqrt_().add_(1e-12);
            leaves_[i].detach().addcdiv_(first_[i], spread, -rate / first_share);
        }
    }

  private:
    static constexpr double beta1 = 0.9, beta2 = 0.999;
    std::vector<at::Tensor> leaves_, first_, second_;
    double rate_;
    int iterations_;
    RateDecay decay_;
    int done_ = 0;
};

}  // namespace aocq::quant
