// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr double smallest_scale = 0x1p-126;
constexpr double largest_end = 0x1p126;

}  // namespace

Grid grid_from_range(float low, float high, int bits, Symmetry symmetry) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    if (!std::isfinite(low) || !std::isfinite(high)) {
        throw Error::numeric("the range of a quantizer is not finite")
            .because("a statistic or a weight is not finite")
            .advise("check the weights and the calibration images")
            .found(fmt::format("[{}, {}]", low, high));
    }
    AOCQ_EXPECT(low <= high);
    // In double, because high - low of two finite floats may overflow.
    const double bottom = std::clamp<double>(low, -largest_end, 0.0);
    const double top = std::clamp<double>(high, 0.0, largest_end);
    const std::int32_t last = largest_code(bits);
    const std::int32_t middle = (last + 1) / 2;
    const bool symmetric = symmetry == Symmetry::symmetric;
    const double width =
        symmetric ? std::max(-bottom, top) / (middle - 0.5) : (top - bottom) / last;
    if (width == 0.0) return {1.0F, symmetric ? middle : 0};
    const auto scale = static_cast<float>(std::max(width, smallest_scale));
    if (symmetric) return {scale, middle};
    const double zero = std::nearbyint(-bottom / static_cast<double>(scale));
    return {scale, static_cast<std::int32_t>(std::clamp<double>(zero, 0.0, last))};
}

Range range_of(const Grid& grid, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    return {static_cast<float>(-grid.zero_point) * grid.scale,
            static_cast<float>(largest_code(bits) - grid.zero_point) * grid.scale};
}

}  // namespace aocq::quant
