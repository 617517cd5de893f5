// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/LogQuant.hpp"

#include <bit>
#include <cmath>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"
#include "quant/kernels/Grid.hpp"

namespace aocq::quant {
namespace {

// The smallest mantissas of floats above 2^(1/4), 2^(1/2) and 2^(3/4): where the rounded logarithm
// steps up.
constexpr std::int32_t quarter = 0x1837F1;
constexpr std::int32_t half = 0x3504F4;
constexpr std::int32_t three_quarters = 0x5744FD;
constexpr std::int32_t smallest_normal = 0x00800000;
constexpr std::int32_t infinity = 0x7F800000;
constexpr std::int32_t never = 1 << 16;  // a q beyond every code

// Selections go through integer masks: a multiplication under a condition would keep the loop
// scalar.
inline std::int32_t mask_of(bool condition) {
    return -static_cast<std::int32_t>(condition);
}

template <LogBase base>
inline std::int32_t log_step(float t) {
    const auto bits = std::bit_cast<std::int32_t>(t);
    std::int32_t q = 0;
    if constexpr (base == LogBase::two) {
        // Unsigned, because NaN's bits go past the largest integer here (they are sorted out
        // below).
        const std::uint32_t raised = std::bit_cast<std::uint32_t>(t) + (0x800000 - half);
        q = 127 - (static_cast<std::int32_t>(raised) >> 23);
    } else {
        const std::int32_t mantissa = bits & 0x7FFFFF;
        q = 2 * (127 - (bits >> 23)) - static_cast<std::int32_t>(mantissa >= quarter) -
            static_cast<std::int32_t>(mantissa >= three_quarters);
    }
    q = q < 0 ? 0 : q;
    // As integers, because a comparison of floats that NaN takes part in keeps the loop scalar.
    // Negative values are negative integers, NaN is beyond infinity.
    return bits >= smallest_normal && bits <= infinity ? q : never;
}

template <LogBase base>
inline float log_value(std::int32_t q, std::int32_t limit, float scale) {
    const std::int32_t inside = mask_of(q < limit);
    q &= inside;
    float power = 0.0F;
    if constexpr (base == LogBase::two) {
        power = std::bit_cast<float>((127 - q) << 23);
    } else {
        constexpr std::int32_t one = std::bit_cast<std::int32_t>(1.0F);
        constexpr std::int32_t root = std::bit_cast<std::int32_t>(0x1.6A09E6p0F);  // sqrt 2
        const std::int32_t odd = mask_of((q & 1) != 0);
        power = std::bit_cast<float>((127 - ((q + 1) >> 1)) << 23) *
                std::bit_cast<float>((root & odd) | (one & ~odd));
    }
    return std::bit_cast<float>(std::bit_cast<std::int32_t>(power * scale) & inside);
}

template <LogBase base>
inline void fake_loop(const float* x, float* y, std::int64_t n, float inverse, float scale,
                      std::int32_t limit) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        const float t = x[i] * inverse;
        const auto bits = std::bit_cast<std::int32_t>(t);
        const std::int32_t nan = mask_of((bits & 0x7FFFFFFF) > infinity) & bits;
        const float value = log_value<base>(log_step<base>(t), limit, scale);  // 0 for NaN
        y[i] = std::bit_cast<float>(std::bit_cast<std::int32_t>(value) | nan);
    }
}

AOCQ_CLONES void fake_two(const float* x, float* y, std::int64_t n, float inverse, float scale,
                          std::int32_t limit) {
    fake_loop<LogBase::two>(x, y, n, inverse, scale, limit);
}

AOCQ_CLONES void fake_sqrt2(const float* x, float* y, std::int64_t n, float inverse, float scale,
                            std::int32_t limit) {
    fake_loop<LogBase::sqrt2>(x, y, n, inverse, scale, limit);
}

void expect_usable(const LogGrid& grid, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_code_bits);
    AOCQ_EXPECT(grid.scale > 0.0F && std::isnormal(grid.scale) && std::isnormal(1.0F / grid.scale));
}

// The smallest q that means zero. 2^-127 is no normal float, so q ends before it: t >= 2^-126 sees
// to that.
std::int32_t limit_of(const LogGrid& grid, int bits) {
    return largest_code(bits) + (grid.zero == LogZero::beyond ? 1 : 0);
}

}  // namespace

void fake_quant_log(std::span<const float> x, std::span<float> y, const LogGrid& grid, int bits) {
    expect_usable(grid, bits);
    AOCQ_EXPECT(x.size() == y.size());
    const auto n = static_cast<std::int64_t>(x.size());
    const auto kernel = grid.base == LogBase::two ? fake_two : fake_sqrt2;
    kernel(x.data(), y.data(), n, 1.0F / grid.scale, grid.scale, limit_of(grid, bits));
}

void quantize_log_codes(std::span<const float> x, const LogGrid& grid, int bits,
                        std::span<std::uint8_t> codes) {
    expect_usable(grid, bits);
    AOCQ_EXPECT(x.size() == codes.size() && grid.zero == LogZero::top);
    const float inverse = 1.0F / grid.scale;
    const std::int32_t top = largest_code(bits);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float t = x[i] * inverse;
        const std::int32_t q =
            grid.base == LogBase::two ? log_step<LogBase::two>(t) : log_step<LogBase::sqrt2>(t);
        codes[i] = static_cast<std::uint8_t>(q < top ? q : top);
    }
}

void dequantize_log(std::span<const std::uint8_t> codes, const LogGrid& grid, int bits,
                    std::span<float> y) {
    expect_usable(grid, bits);
    AOCQ_EXPECT(codes.size() == y.size() && grid.zero == LogZero::top);
    const std::int32_t top = largest_code(bits);
    // Codes that no x has (below 2^-126) are zero as well.
    const std::int32_t last = grid.base == LogBase::two ? 126 : 252;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::int32_t q = codes[i] <= last ? codes[i] : never;
        y[i] = grid.base == LogBase::two ? log_value<LogBase::two>(q, top, grid.scale)
                                         : log_value<LogBase::sqrt2>(q, top, grid.scale);
    }
}

}  // namespace aocq::quant
