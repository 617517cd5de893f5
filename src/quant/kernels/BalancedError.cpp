// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/BalancedError.hpp"

#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr float rounder = 0x1.8p23F;  // see FakeQuant.cpp

struct Step {
    float inverse, scale, low, high;
};

// `invert` is 1 / scale of the channels.
AOCQ_CLONES void error_row(const float* x, float* error, std::int64_t n, const float* shift,
                           const float* scale, const float* invert, float factor, Step s) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        const float b = (x[i] - shift[i]) * invert[i];
        float t = b * s.inverse;
        t = t < s.low ? s.low : t;
        t = t > s.high ? s.high : t;
        error[i] = (((t + rounder) - rounder) * s.scale - b) * (scale[i] * factor);
    }
}

}  // namespace

void balanced_error(std::span<const float> x, std::span<float> error,
                    const BalancedChannels& balance, std::span<const float> row_factors,
                    const Grid& grid, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    const std::size_t columns = balance.scale.size();
    AOCQ_EXPECT(columns > 0 && balance.shift.size() == columns);
    AOCQ_EXPECT(x.size() == row_factors.size() * columns && error.size() == x.size());
    std::vector<float> invert(columns);
    for (std::size_t c = 0; c < columns; ++c) invert[c] = 1.0F / balance.scale[c];
    const auto zero = static_cast<float>(grid.zero_point);
    const Step step{1.0F / grid.scale, grid.scale, -zero,
                    static_cast<float>(largest_code(bits)) - zero};
    for (std::size_t r = 0; r < row_factors.size(); ++r) {
        const std::size_t at = r * columns;
        error_row(x.data() + at, error.data() + at, static_cast<std::int64_t>(columns),
                  balance.shift.data(), balance.scale.data(), invert.data(), row_factors[r], step);
    }
}

}  // namespace aocq::quant
