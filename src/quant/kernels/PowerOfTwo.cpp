// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/PowerOfTwo.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::quant {

std::vector<Grid> power_of_two_grids(Range range, int bits, Symmetry symmetry, int factors,
                                     ZeroFrom zero) {
    AOCQ_EXPECT(factors >= 0 && factors <= 16);
    const Grid widest = grid_from_range(range.low, range.high, bits, symmetry);
    std::vector<Grid> grids;
    for (int k = factors; k >= 0; --k) {
        grids.push_back({std::max(std::ldexp(widest.scale, -k), 0x1p-126F), widest.zero_point});
    }
    if (zero == ZeroFrom::widest || symmetry == Symmetry::symmetric) return grids;
    const double low = std::min<double>(range.low, 0.0);
    const double code = std::nearbyint(-low / static_cast<double>(grids.front().scale));
    const auto shared =
        static_cast<std::int32_t>(std::clamp<double>(code, 0.0, largest_code(bits)));
    for (Grid& grid : grids) grid.zero_point = shared;
    return grids;
}

}  // namespace aocq::quant
