// SPDX-License-Identifier: Apache-2.0
// Test values: random ones, and the ones where float32 arithmetic is at its edges.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/Random.hpp"
#include "quant/kernels/Grid.hpp"

namespace aocq::test {

inline std::vector<float> normal_values(std::string_view name, std::size_t n, double scale = 1.0,
                                        double shift = 0.0) {
    RandomStream stream(RandomKey(7).child(name));
    std::vector<float> values(n);
    for (float& v : values) v = static_cast<float>(shift + scale * stream.normal());
    return values;
}

// Half-steps of the grid and their neighbours, denormals, infinities, huge values, both zeros, NaN.
inline std::vector<float> edge_values(const quant::Grid& grid, int bits) {
    using Limits = std::numeric_limits<float>;
    std::vector<float> values{0.0F,
                              -0.0F,
                              Limits::denorm_min(),
                              -Limits::denorm_min(),
                              Limits::min(),
                              -Limits::min(),
                              Limits::max(),
                              Limits::lowest(),
                              Limits::infinity(),
                              -Limits::infinity(),
                              Limits::quiet_NaN(),
                              8388608.5F,
                              -8388609.0F,
                              1e20F,
                              -1e20F,
                              0x1p31F,
                              -0x1p31F,
                              0x1p63F};
    const int last = quant::largest_code(bits);
    const int stride = last > 255 ? 257 : 1;
    for (int q = -2; q <= last + 2; q += stride) {
        const float tie = (static_cast<float>(q - grid.zero_point) + 0.5F) * grid.scale;
        for (const float v : {tie, std::nextafter(tie, 1e30F), std::nextafter(tie, -1e30F),
                              static_cast<float>(q - grid.zero_point) * grid.scale}) {
            values.push_back(v);
        }
    }
    return values;
}

// Equal bits, or both NaN.
inline bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

// The first place where two arrays differ in their bits; -1 if nowhere.
inline std::int64_t first_difference(std::span<const float> a, std::span<const float> b) {
    if (a.size() != b.size()) return static_cast<std::int64_t>(std::min(a.size(), b.size()));
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!same_bits(a[i], b[i])) return static_cast<std::int64_t>(i);
    }
    return -1;
}

}  // namespace aocq::test
