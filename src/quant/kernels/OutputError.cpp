// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/OutputError.hpp"

#include <algorithm>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t tile = 16;        // columns whose sums stay in registers
constexpr std::int64_t rows_float = 32;  // rows summed in float32 at a time

AOCQ_CLONES void difference_tile(const float* o, const float* p, std::int64_t rows,
                                 std::int64_t stride, std::int64_t width, float* d, float* od,
                                 float* dd) {
    float a[tile] = {}, b[tile] = {}, c[tile] = {};
    if (width == tile) {
        for (std::int64_t r = 0; r < rows; ++r, o += stride, p += stride) {
            for (std::int64_t i = 0; i < tile; ++i) {
                const float difference = p[i] - o[i];
                a[i] += difference;
                b[i] += o[i] * difference;
                c[i] += difference * difference;
            }
        }
    } else {
        for (std::int64_t r = 0; r < rows; ++r, o += stride, p += stride) {
            for (std::int64_t i = 0; i < width; ++i) {
                const float difference = p[i] - o[i];
                a[i] += difference;
                b[i] += o[i] * difference;
                c[i] += difference * difference;
            }
        }
    }
    for (std::int64_t i = 0; i < tile; ++i) {
        d[i] = a[i];
        od[i] = b[i];
        dd[i] = c[i];
    }
}

AOCQ_CLONES void weighted_tile(const float* o, const float* p, const float* g, std::int64_t rows,
                               std::int64_t stride, std::int64_t width, float* sums) {
    float a[tile] = {};
    if (width == tile) {
        for (std::int64_t r = 0; r < rows; ++r, o += stride, p += stride, g += stride) {
            for (std::int64_t i = 0; i < tile; ++i) {
                const float error = g[i] * (p[i] - o[i]);
                a[i] += error * error;
            }
        }
    } else {
        for (std::int64_t r = 0; r < rows; ++r, o += stride, p += stride, g += stride) {
            for (std::int64_t i = 0; i < width; ++i) {
                const float error = g[i] * (p[i] - o[i]);
                a[i] += error * error;
            }
        }
    }
    for (std::int64_t i = 0; i < tile; ++i) sums[i] = a[i];
}

// The hinges of one value against those behind it.
AOCQ_CLONES float hinges(const float* a, const float* ahat, std::int64_t n, float first,
                         float first_hat, float margin) {
    constexpr int lanes = 8;
    float part[lanes] = {};
    const auto hinge = [&](std::int64_t i) {
        const float order = first - a[i], found = first_hat - ahat[i];
        const float sign = static_cast<float>(order > 0.0F) - static_cast<float>(order < 0.0F);
        const float miss = margin - found * sign;
        return miss > 0.0F ? miss : 0.0F;
    };
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) part[lane] += hinge(i + lane);
    }
    for (int lane = 0; i < n; ++i, ++lane) part[lane] += hinge(i);
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

// Calls use(first value of the block, rows, first column, columns) for every block.
template <class Use>
void for_each_block(std::int64_t rows, std::int64_t columns, const Use& use) {
    for (std::int64_t r = 0; r < rows; r += rows_float) {
        for (std::int64_t c = 0; c < columns; c += tile) {
            use(r * columns + c, std::min(rows_float, rows - r), c, std::min(tile, columns - c));
        }
    }
}

}  // namespace

void add_differences(std::span<const float> o, std::span<const float> ohat,
                     const DifferenceColumns& sums) {
    const auto columns = static_cast<std::int64_t>(sums.d.size());
    AOCQ_EXPECT(columns > 0 && o.size() == ohat.size() && o.size() % sums.d.size() == 0);
    AOCQ_EXPECT(sums.od.size() == sums.d.size() && sums.dd.size() == sums.d.size());
    const std::int64_t rows = static_cast<std::int64_t>(o.size()) / columns;
    for_each_block(
        rows, columns,
        [&](std::int64_t at, std::int64_t height, std::int64_t column, std::int64_t width) {
            float d[tile], od[tile], dd[tile];
            difference_tile(o.data() + at, ohat.data() + at, height, columns, width, d, od, dd);
            for (std::int64_t i = 0; i < width; ++i) {
                const auto c = static_cast<std::size_t>(column + i);
                sums.d[c] += static_cast<double>(d[i]);
                sums.od[c] += static_cast<double>(od[i]);
                sums.dd[c] += static_cast<double>(dd[i]);
            }
        });
}

void add_weighted_errors(std::span<const float> o, std::span<const float> ohat,
                         std::span<const float> g, std::span<double> sums) {
    const auto columns = static_cast<std::int64_t>(sums.size());
    AOCQ_EXPECT(columns > 0 && o.size() == ohat.size() && o.size() == g.size());
    AOCQ_EXPECT(o.size() % sums.size() == 0);
    const std::int64_t rows = static_cast<std::int64_t>(o.size()) / columns;
    for_each_block(
        rows, columns,
        [&](std::int64_t at, std::int64_t height, std::int64_t column, std::int64_t width) {
            float found[tile];
            weighted_tile(o.data() + at, ohat.data() + at, g.data() + at, height, columns, width,
                          found);
            for (std::int64_t i = 0; i < width; ++i)
                sums[static_cast<std::size_t>(column + i)] += static_cast<double>(found[i]);
        });
}

double rank_loss(std::span<const float> a, std::span<const float> ahat, std::int64_t columns,
                 float margin) {
    AOCQ_EXPECT(columns > 1 && a.size() == ahat.size());
    AOCQ_EXPECT(!a.empty() && a.size() % static_cast<std::size_t>(columns) == 0);
    const auto values = static_cast<std::int64_t>(a.size());
    double sum = 0;
    for (std::int64_t row = 0; row < values; row += columns) {
        for (std::int64_t i = row; i + 1 < row + columns; ++i) {
            sum += static_cast<double>(hinges(a.data() + i + 1, ahat.data() + i + 1,
                                              row + columns - i - 1, a[static_cast<std::size_t>(i)],
                                              ahat[static_cast<std::size_t>(i)], margin));
        }
    }
    const double pairs = 0.5 * static_cast<double>(columns) * static_cast<double>(columns - 1);
    return sum / (pairs * static_cast<double>(values / columns));
}

}  // namespace aocq::quant
