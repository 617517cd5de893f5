// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/FakeQuant.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"
#include "quant/kernels/Reduce.hpp"

namespace aocq::quant {
namespace {

// Adding and subtracting 1.5 * 2^23 rounds |t| < 2^22 to the nearest integer, ties to even, and
// never leaves -0.
constexpr float rounder = 0x1.8p23F;
// Shorter runs than this share one pass over a row of expanded parameters.
constexpr std::int64_t short_run = 16;
constexpr std::int64_t row_block =
    4096;  // values of a row handled together, so that parameters stay in cache

// A grid as the loops need it. Clamping to [-z, last - z] before rounding gives what clamping the
// code after it gives, since both bounds are integers and rounding is monotone.
struct Step {
    float inverse, scale, low, high, zero;
};

// The zero point may lie outside the codes (RangeEnds::as_they_are), but its floats must be whole.
Step step_of(const Grid& grid, std::int32_t last) {
    AOCQ_EXPECT(std::abs(grid.zero_point) <= 1 << 20);
    AOCQ_EXPECT(std::isnormal(grid.scale) && grid.scale > 0.0F);
    const auto zero = static_cast<float>(grid.zero_point);
    return {1.0F / grid.scale, grid.scale, -zero, static_cast<float>(last) - zero, zero};
}

// The steps of a stretch of a row, value by value.
struct Row {
    std::vector<float> inverse, scale, low, high, zero;

    void resize(std::size_t n) {
        for (auto* column : {&inverse, &scale, &low, &high, &zero}) column->resize(n);
    }
    void set(std::size_t i, const Step& step) {
        inverse[i] = step.inverse;
        scale[i] = step.scale;
        low[i] = step.low;
        high[i] = step.high;
        zero[i] = step.zero;
    }
};

inline float steps_from_zero(float x, float inverse, float low, float high) {
    float t = x * inverse;
    t = t < low ? low : t;  // NaN passes both comparisons
    t = t > high ? high : t;
    return (t + rounder) - rounder;
}

inline std::uint8_t code(float x, float inverse, float low, float high, float zero) {
    float t = x * inverse;
    t = t > low ? t : low;  // NaN fails the comparison and becomes the lowest code
    t = t < high ? t : high;
    return static_cast<std::uint8_t>(static_cast<std::int32_t>(((t + rounder) - rounder) + zero));
}

// ivdep: y is x or apart from it, so no iteration depends on another one.
AOCQ_CLONES void fake_run(const float* x, float* y, std::int64_t n, Step s) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] = steps_from_zero(x[i], s.inverse, s.low, s.high) * s.scale;
    }
}

AOCQ_CLONES void fake_row(const float* x, float* y, std::int64_t n, const float* inverse,
                          const float* scale, const float* low, const float* high) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] = steps_from_zero(x[i], inverse[i], low[i], high[i]) * scale[i];
    }
}

AOCQ_CLONES void code_run(const float* x, std::uint8_t* codes, std::int64_t n, Step s) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) codes[i] = code(x[i], s.inverse, s.low, s.high, s.zero);
}

AOCQ_CLONES void code_row(const float* x, std::uint8_t* codes, std::int64_t n, const float* inverse,
                          const float* low, const float* high, const float* zero) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i)
        codes[i] = code(x[i], inverse[i], low[i], high[i], zero[i]);
}

AOCQ_CLONES void value_run(const std::uint8_t* codes, float* y, std::int64_t n, Step s) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = (static_cast<float>(codes[i]) - s.zero) * s.scale;
}

AOCQ_CLONES void value_row(const std::uint8_t* codes, float* y, std::int64_t n, const float* scale,
                           const float* zero) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = (static_cast<float>(codes[i]) - zero[i]) * scale[i];
}

// Calls run(offset, length, step) for long runs, or row(offset, length, parameters) for stretches
// of short ones.
template <class RunKernel, class RowKernel>
void for_each_stretch(const Layout& layout, std::span<const Grid> grids, std::int32_t last,
                      const RunKernel& run, const RowKernel& row) {
    AOCQ_EXPECT(layout.outer >= 0 && layout.channels >= 0 && layout.inner >= 0);
    AOCQ_EXPECT(static_cast<std::int64_t>(grids.size()) == layout.channels);
    if (layout.size() == 0) return;
    const std::int64_t width = layout.channels * layout.inner;
    if (layout.inner >= short_run || layout.channels == 1) {
        const bool one = layout.channels == 1;  // then the outer axis is contiguous too
        const std::int64_t outer = one ? 1 : layout.outer;
        const std::int64_t length = one ? layout.size() : layout.inner;
        for (std::int64_t c = 0; c < layout.channels; ++c) {
            const Step step = step_of(grids[static_cast<std::size_t>(c)], last);
            for (std::int64_t o = 0; o < outer; ++o) run(o * width + c * length, length, step);
        }
        return;
    }
    const std::int64_t block = std::max<std::int64_t>(1, row_block / layout.inner);
    Row parameters;
    parameters.resize(static_cast<std::size_t>(std::min(block, layout.channels) * layout.inner));
    for (std::int64_t first = 0; first < layout.channels; first += block) {
        const std::int64_t count = std::min(block, layout.channels - first);
        std::size_t at = 0;
        for (std::int64_t c = first; c < first + count; ++c) {
            const Step step = step_of(grids[static_cast<std::size_t>(c)], last);
            for (std::int64_t i = 0; i < layout.inner; ++i) parameters.set(at++, step);
        }
        for (std::int64_t o = 0; o < layout.outer; ++o) {
            row(o * width + first * layout.inner, count * layout.inner, parameters);
        }
    }
}

bool fits(std::size_t size, const Layout& layout) {
    return static_cast<std::int64_t>(size) == layout.size();
}

}  // namespace

void fake_quant(std::span<const float> x, std::span<float> y, const Layout& layout,
                std::span<const Grid> grids, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    AOCQ_EXPECT(fits(x.size(), layout) && fits(y.size(), layout));
    for_each_stretch(
        layout, grids, largest_code(bits),
        [&](std::int64_t at, std::int64_t n, const Step& step) {
            fake_run(x.data() + at, y.data() + at, n, step);
        },
        [&](std::int64_t at, std::int64_t n, const Row& row) {
            fake_row(x.data() + at, y.data() + at, n, row.inverse.data(), row.scale.data(),
                     row.low.data(), row.high.data());
        });
}

void fake_quant_dynamic(std::span<const float> x, std::span<float> y, std::int64_t columns,
                        int bits, Symmetry symmetry) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    AOCQ_EXPECT(x.size() == y.size() && columns > 0);
    const auto width = static_cast<std::size_t>(columns);
    AOCQ_EXPECT(x.size() % width == 0);
    for (std::size_t at = 0; at < x.size(); at += width) {
        const std::span<const float> in = x.subspan(at, width);
        const Range range = min_max(in);
        if (!std::isfinite(range.low) || !std::isfinite(range.high)) {
            std::fill_n(y.begin() + static_cast<std::ptrdiff_t>(at), width,
                        std::numeric_limits<float>::quiet_NaN());
            continue;
        }
        const Grid grid = grid_from_range(range.low, range.high, bits, symmetry);
        fake_run(in.data(), y.data() + at, columns, step_of(grid, largest_code(bits)));
    }
}

void quantize_codes(std::span<const float> x, const Layout& layout, std::span<const Grid> grids,
                    int bits, std::span<std::uint8_t> codes) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_code_bits);
    AOCQ_EXPECT(fits(x.size(), layout) && fits(codes.size(), layout));
    for_each_stretch(
        layout, grids, largest_code(bits),
        [&](std::int64_t at, std::int64_t n, const Step& step) {
            code_run(x.data() + at, codes.data() + at, n, step);
        },
        [&](std::int64_t at, std::int64_t n, const Row& row) {
            code_row(x.data() + at, codes.data() + at, n, row.inverse.data(), row.low.data(),
                     row.high.data(), row.zero.data());
        });
}

void dequantize(std::span<const std::uint8_t> codes, const Layout& layout,
                std::span<const Grid> grids, std::span<float> y) {
    AOCQ_EXPECT(fits(codes.size(), layout) && fits(y.size(), layout));
    for_each_stretch(
        layout, grids, largest_code(max_code_bits),
        [&](std::int64_t at, std::int64_t n, const Step& step) {
            value_run(codes.data() + at, y.data() + at, n, step);
        },
        [&](std::int64_t at, std::int64_t n, const Row& row) {
            value_row(codes.data() + at, y.data() + at, n, row.scale.data(), row.zero.data());
        });
}

}  // namespace aocq::quant
