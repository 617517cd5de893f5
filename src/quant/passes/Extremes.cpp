// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Extremes.hpp"

#include <tuple>

#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {

Range Extremes::balanced(const Balance& balance) const {
    return {((low - balance.shift) / balance.scale).min().item<float>(),
            ((high - balance.shift) / balance.scale).max().item<float>()};
}

ImageExtremes::ImageExtremes(const at::Tensor& x) {
    std::tie(low_, high_) = at::aminmax(x, 1);
}

Extremes ImageExtremes::of(const std::vector<std::int64_t>& images) const {
    const at::Tensor index = index_of(images, low_.device());
    return {low_.index_select(0, index).amin(0), high_.index_select(0, index).amax(0)};
}

Extremes ImageExtremes::of_all() const {
    return {low_.amin(0), high_.amax(0)};
}

}  // namespace aocq::quant
