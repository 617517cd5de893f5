// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceOptions.hpp"

namespace aocq::quant {

at::Tensor normalized_scale(const at::Tensor& scale, bool power_of_two) {
    const at::Tensor logs = scale.to(at::kDouble).clamp_min(1e-5).log2();
    const at::Tensor centred = logs - logs.mean();
    return at::exp2(power_of_two ? at::round(centred) : centred).to(at::kFloat);
}

at::Tensor relative_extent(const at::Tensor& extent) {
    const at::Tensor median = extent.median().clamp_min(1e-12);
    return (extent / median).clamp_min(0.02);
}

}  // namespace aocq::quant
