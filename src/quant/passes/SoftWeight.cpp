// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/SoftWeight.hpp"

#include <vector>

#include "core/Error.hpp"

namespace aocq::quant {

SoftWeight::SoftWeight(const Site& site, const Quantizer& quantizer, const at::Tensor& weight,
                       const SoftOptions& options)
    : SoftWeight(start_of(site, quantizer, weight), site, weight, options) {}

SoftWeight::SoftWeight(Start start, const Site& site, const at::Tensor& weight,
                       const SoftOptions& options)
    : parameter_(site.parameter),
      sizes_(weight.sizes().vec()),
      scale_(start.scale),
      zero_(start.zero),
      rounding_(start.lower, start.position - start.lower, start.top, options) {}

SoftWeight::Start SoftWeight::start_of(const Site& site, const Quantizer& quantizer,
                                       const at::Tensor& weight) {
    AOCQ_EXPECT(site.is_weight() && quantizer.fitted);
    const Layout layout = layout_of(quantizer.scheme, site, weight.sizes().vec());
    AOCQ_EXPECT(layout.outer == 1);
    std::vector<float> scale, inverse, zero;
    for (const Grid& grid : quantizer.grids) {
        scale.push_back(grid.scale);
        inverse.push_back(1.0F / grid.scale);
        zero.push_back(static_cast<float>(grid.zero_point));
    }
    const auto column = [&](const std::vector<float>& values) {
        return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
            .view({-1, 1})
            .to(weight.device());
    };
    Start start{column(scale), column(zero), {}, {}, 0};
    start.top = static_cast<double>(largest_code(quantizer.scheme.bits));
    start.position = weight.reshape({layout.channels, layout.inner}) * column(inverse) + start.zero;
    // Beyond the grid both neighbours are the end code.
    start.lower = at::floor(start.position).clamp_(-1.0, start.top);
    return start;
}

at::Tensor SoftWeight::to_value(const at::Tensor& codes) const {
    return ((codes - zero_) * scale_).view(sizes_);
}

at::Tensor SoftWeight::value() {
    return to_value(rounding_.codes());
}

void SoftWeight::step(const at::Tensor& gradient) {
    rounding_.step(gradient.reshape({scale_.size(0), -1}) * scale_);
}

at::Tensor SoftWeight::rounded() const {
    return to_value(rounding_.rounded());
}

}  // namespace aocq::quant
