// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/TwinQuant.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr float rounder = 0x1.8p23F;  // as in FakeQuant.cpp: rounds |t| < 2^22 to even, never -0
constexpr double gelu_minimum = -0.16997124254703522;

struct Part {
    float inverse, scale, low, high;  // ends in steps from zero
};

Part part_of(const Grid& grid, std::int32_t first, std::int32_t last) {
    const auto zero = static_cast<float>(grid.zero_point);
    return {1.0F / grid.scale, grid.scale, static_cast<float>(first) - zero,
            static_cast<float>(last) - zero};
}

inline float steps_of(float x, const Part& part) {
    float t = x * part.inverse;
    t = t < part.low ? part.low : t;  // NaN passes both comparisons
    t = t > part.high ? part.high : t;
    return (t + rounder) - rounder;
}

// ivdep: y is x or apart from it.
AOCQ_CLONES void disjoint_run(const float* x, float* y, std::int64_t n, Part lower, Part upper,
                              float border) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        const float below = steps_of(x[i], lower) * lower.scale;
        const float above = steps_of(x[i], upper) * upper.scale;
        y[i] = x[i] > border ? above : below;
    }
}

AOCQ_CLONES void added_run(const float* x, float* y, std::int64_t n, Part lower, Part upper,
                           float split) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        const float below = x[i] > split ? split : x[i];
        const float above = x[i] < split ? split : x[i];
        y[i] = steps_of(below, lower) * lower.scale + steps_of(above, upper) * upper.scale;
    }
}

void expect_usable(const TwinGrid& grid, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_code_bits);
    for (const Grid& g : {grid.lower, grid.upper}) {
        AOCQ_EXPECT(g.scale > 0.0F && std::isnormal(g.scale) && std::isnormal(1.0F / g.scale));
        AOCQ_EXPECT(g.zero_point >= 0 && g.zero_point <= largest_code(bits - 1) + 1);
    }
}

float level(const Grid& grid, std::int32_t code) {
    return static_cast<float>(code - grid.zero_point) * grid.scale;
}

}  // namespace

TwinBorder twin_border(const TwinGrid& grid, int bits) {
    expect_usable(grid, bits);
    const std::int32_t last = largest_code(bits - 1);
    TwinBorder found{level(grid.lower, last), std::numeric_limits<float>::infinity(), 0};
    while (found.first <= last && level(grid.upper, found.first) <= found.top) ++found.first;
    if (found.first > last) {
        found.first = last;  // never used
        return found;
    }
    const float next = level(grid.upper, found.first);
    const auto middle = static_cast<float>((double{found.top} + double{next}) / 2);
    // Between neighbouring floats there is no middle.
    found.border = middle < next ? middle : found.top;
    return found;
}

void fake_quant_twin(std::span<const float> x, std::span<float> y, const TwinGrid& grid, int bits,
                     TwinJoin join) {
    AOCQ_EXPECT(x.size() == y.size());
    const TwinBorder border = twin_border(grid, bits);
    const std::int32_t last = largest_code(bits - 1);
    const auto n = static_cast<std::int64_t>(x.size());
    const Part lower = part_of(grid.lower, 0, last);
    if (join == TwinJoin::added) {
        AOCQ_EXPECT(grid.lower.zero_point == 0 && grid.upper.zero_point == 0);
        added_run(x.data(), y.data(), n, lower, part_of(grid.upper, 0, last), border.top);
        return;
    }
    disjoint_run(x.data(), y.data(), n, lower, part_of(grid.upper, border.first, last),
                 border.border);
}

void quantize_twin_codes(std::span<const float> x, const TwinGrid& grid, int bits,
                         std::span<std::uint8_t> codes) {
    AOCQ_EXPECT(x.size() == codes.size());
    const TwinBorder border = twin_border(grid, bits);
    const std::int32_t last = largest_code(bits - 1);
    const Part lower = part_of(grid.lower, 0, last),
               upper = part_of(grid.upper, border.first, last);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const bool above = x[i] > border.border;
        const float steps = std::isnan(x[i]) ? lower.low : steps_of(x[i], above ? upper : lower);
        const std::int32_t code =
            static_cast<std::int32_t>(steps) + (above ? grid.upper : grid.lower).zero_point;
        codes[i] = static_cast<std::uint8_t>(above ? code + last + 1 : code);
    }
}

void dequantize_twin(std::span<const std::uint8_t> codes, const TwinGrid& grid, int bits,
                     std::span<float> y) {
    AOCQ_EXPECT(codes.size() == y.size());
    expect_usable(grid, bits);
    const std::int32_t half = largest_code(bits - 1) + 1;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        y[i] = codes[i] >= half ? level(grid.upper, codes[i] - half) : level(grid.lower, codes[i]);
    }
}

TwinGrid twin_of_probabilities(int split, int bits) {
    AOCQ_EXPECT(split >= 0 && split < twin_splits && bits >= min_bits && bits <= max_code_bits);
    const double last = largest_code(bits - 1);
    return {{static_cast<float>(std::ldexp(1.0 / last, -split)), 0},
            {static_cast<float>(1.0 / last), 0}};
}

TwinGrid fit_twin_of_probabilities(std::span<const float> values, int bits) {
    TwinGrid best = twin_of_probabilities(0, bits);
    double least = std::numeric_limits<double>::infinity();
    std::vector<float> found(values.size());
    for (int split = 0; split < twin_splits; ++split) {
        const TwinGrid grid = twin_of_probabilities(split, bits);
        fake_quant_twin(values, found, grid, bits);
        double error = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double difference = double{found[i]} - double{values[i]};
            error += difference * difference;
        }
        if (error < least) {
            least = error;
            best = grid;
        }
    }
    return best;
}

TwinGrid twin_of_signs(float low, float high, int bits) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_code_bits);
    if (!std::isfinite(low) || !std::isfinite(high)) {
        throw Error::numeric("the range of a quantizer is not finite")
            .because("a statistic is not finite")
            .advise("check the weights and the calibration images");
    }
    const std::int32_t half = largest_code(bits - 1) + 1;
    const double bottom = std::min<double>(low, gelu_minimum);
    const double top = std::max<double>(high, std::numeric_limits<float>::min());
    const auto scale = [](double width) {
        return static_cast<float>(std::clamp(width, 0x1p-126, 0x1p126));
    };
    return {{scale(-bottom / half), half}, {scale(top / (half - 0.5)), 0}};
}

}  // namespace aocq::quant
