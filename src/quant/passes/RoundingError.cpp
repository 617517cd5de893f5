// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/RoundingError.hpp"

#include "quant/Simulate.hpp"
#include "quant/kernels/BalancedError.hpp"

namespace aocq::quant {
namespace {

std::span<const float> view(const at::Tensor& x) {
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

bool has_kernel(const at::Tensor& x, const Quantizer& quantizer) {
    const SiteScheme& scheme = quantizer.scheme;
    return scheme.mode == Mode::fixed && scheme.codec == Codec::uniform &&
           quantizer.grids.size() == 1 && x.device().is_cpu() && x.is_contiguous();
}

at::Tensor with_kernel(const at::Tensor& x, const at::Tensor& roots, const Balance& balance,
                       const Quantizer& quantizer) {
    at::Tensor error = at::empty_like(x);
    balanced_error(view(x),
                   {error.mutable_data_ptr<float>(), static_cast<std::size_t>(error.numel())},
                   {view(balance.shift), view(balance.scale)}, view(roots), quantizer.grids.front(),
                   quantizer.scheme.bits);
    return error;
}

}  // namespace

at::Tensor rounding_error(const at::Tensor& x, const at::Tensor& roots, const Site& site,
                          const Quantizer& quantizer) {
    if (has_kernel(x, quantizer)) {
        const std::int64_t channels = x.size(-1);
        return with_kernel(x, roots, {at::ones({channels}), at::zeros({channels})}, quantizer);
    }
    return (fake_quantize(x, site, quantizer) - x) * roots.unsqueeze(1);
}

at::Tensor rounding_error(const at::Tensor& x, const at::Tensor& roots, const Balance& balance,
                          const Quantizer& quantizer) {
    if (has_kernel(x, quantizer)) return with_kernel(x, roots, balance, quantizer);
    const at::Tensor balanced = (x - balance.shift) / balance.scale;
    const Site site{"input", SiteKind::linear_input, 0, nn::Operand::first, ""};
    return (fake_quantize(balanced, site, quantizer) - balanced) * balance.scale *
           roots.unsqueeze(1);
}

}  // namespace aocq::quant
