// SPDX-License-Identifier: Apache-2.0
// Adam (arXiv 1412.6980): what learns steps, rounding variables and images.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace aocq::quant {

enum class RateDecay { cosine, none };

// Share of the old moment in the new one.
struct Momenta {
    double first = 0.9, second = 0.999;
};

class Adam {
  public:
    // `rate` at the first of `iterations` steps; with the cosine it is zero after the last.
    Adam(std::vector<at::Tensor> leaves, double rate, int iterations,
         RateDecay decay = RateDecay::cosine, Momenta momenta = {})
        : leaves_(std::move(leaves)),
          rate_(rate),
          iterations_(iterations),
          decay_(decay),
          momenta_(momenta) {
        for (const at::Tensor& leaf : leaves_) {
            first_.push_back(at::zeros_like(leaf));
            second_.push_back(at::zeros_like(leaf));
        }
    }

    // Moves the leaves in place.
    void step(const std::vector<at::Tensor>& gradients) {
        const double phase = std::numbers::pi * done_ / iterations_;
        step(gradients,
             decay_ == RateDecay::cosine ? rate_ * 0.5 * (1.0 + std::cos(phase)) : rate_);
    }

    // The same with a rate from a schedule of the caller's.
    void step(const std::vector<at::Tensor>& gradients, double rate) {
        ++done_;
        const double first_share = 1 - std::pow(momenta_.first, done_);
        const double second_share = 1 - std::pow(momenta_.second, done_);
        for (std::size_t i = 0; i < leaves_.size(); ++i) {
            const at::Tensor g = gradients[i].detach();
            first_[i].mul_(momenta_.first).add_(g, 1 - momenta_.first);
            second_[i].mul_(momenta_.second).addcmul_(g, g, 1 - momenta_.second);
            const at::Tensor spread = (second_[i] / second_share).sqrt_().add_(1e-12);
            leaves_[i].detach().addcdiv_(first_[i], spread, -rate / first_share);
        }
    }

  private:
    std::vector<at::Tensor> leaves_, first_, second_;
    double rate_;
    int iterations_;
    RateDecay decay_;
    Momenta momenta_;
    int done_ = 0;
};

}  // namespace aocq::quant
