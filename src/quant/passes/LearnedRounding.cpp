// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnedRounding.hpp"

#include <cmath>

namespace aocq::quant {
namespace {

// The stretched sigmoid of the paper: h = clip(sigmoid(v) (zeta - gamma) + gamma, 0, 1).
constexpr double zeta = 1.1, gamma_ = -0.1;

}  // namespace

at::Tensor learn_codes(const RoundingChoice& choice, const at::Tensor& hessian, double top,
                       const LearnedOptions& options) {
    const at::Tensor &position = choice.position, &scales = choice.scales, &lower = choice.lower;
    const at::Tensor share = choice.share.clamp(1e-4, 1 - 1e-4);
    at::Tensor v = -at::log((zeta - gamma_) / (share - gamma_) - 1.0);  // h starts at the share
    at::Tensor first = at::zeros_like(v), second = at::zeros_like(v);
    // The error relative to that of rounding to nearest: one regularizer for all layers.
    const at::Tensor plain = (at::clamp(at::round(position), 0, top) - position) * scales;
    const double size = std::max((at::mm(plain, hessian) * plain).sum().item<double>(), 1e-300) /
                        static_cast<double>(position.numel());
    for (int i = 0; i < options.iterations; ++i) {
        const at::Tensor s = at::sigmoid(v);
        const at::Tensor raw = s * (zeta - gamma_) + gamma_;
        const at::Tensor h = raw.clamp(0, 1);
        const at::Tensor code = lower + h;
        const at::Tensor inside = at::logical_and(code >= 0, code <= top);
        const at::Tensor error = (code.clamp(0, top) - position) * scales;
        at::Tensor gradient = at::mm(error, hessian) * scales * inside * (2.0 / size);
        const double progress = static_cast<double>(i) / options.iterations;
        if (progress >= options.warmup) {
            const double late = (progress - options.warmup) / (1 - options.warmup);
            const double beta = 2.0 + 18.0 * (1.0 - late);
            const at::Tensor way = 2 * h - 1;
            gradient =
                gradient - options.regularizer * 2 * beta * way.abs().pow(beta - 1) * way.sign();
        }
        const at::Tensor passes = at::logical_and(raw > 0, raw < 1);
        gradient = gradient * s * (1 - s) * (zeta - gamma_) * passes;
        first = first * 0.9 + gradient * 0.1;
        second = second * 0.999 + gradient.square() * 0.001;
        const at::Tensor unbiased = first / (1 - std::pow(0.9, i + 1));
        const at::Tensor spread = (second / (1 - std::pow(0.999, i + 1))).sqrt() + 1e-8;
        v = v - options.rate * unbiased / spread;
    }
    const at::Tensor up = (at::sigmoid(v) * (zeta - gamma_) + gamma_) >= 0.5;
    return (lower + up.to(at::kDouble)).clamp(0, top);
}

}  // namespace aocq::quant
