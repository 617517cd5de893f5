// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnedRounding.hpp"

#include <algorithm>

namespace aocq::quant {

at::Tensor learn_codes(const RoundingChoice& choice, const at::Tensor& hessian, double top,
                       const SoftOptions& options) {
    const at::Tensor &position = choice.position, &scales = choice.scales;
    SoftRounding rounding(choice.lower, choice.share, top, options);
    // The error relative to that of rounding to nearest: one regularizer for all layers.
    const at::Tensor plain = (at::clamp(at::round(position), 0, top) - position) * scales;
    const double size = std::max((at::mm(plain, hessian) * plain).sum().item<double>(), 1e-300) /
                        static_cast<double>(position.numel());
    for (int i = 0; i < options.iterations; ++i) {
        const at::Tensor error = (rounding.codes() - position) * scales;
        rounding.step(at::mm(error, hessian) * scales * (2.0 / size));
    }
    return rounding.rounded();
}

}  // namespace aocq::quant
