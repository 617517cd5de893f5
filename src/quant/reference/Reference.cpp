// SPDX-License-Identifier: Apache-2.0
#include "quant/reference/Reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace aocq::quant::reference {

std::optional<std::int32_t> code(float x, const Grid& grid, int bits) {
    if (std::isnan(x)) return std::nullopt;
    const float inverse = 1.0F / grid.scale;
    const float rounded = std::nearbyint(x * inverse);  // ties to even: the default rounding mode
    const float shifted = rounded + static_cast<float>(grid.zero_point);
    // Clamped as a float, because a huge one has no integer.
    const float last = static_cast<float>(largest_code(bits));
    return static_cast<std::int32_t>(std::clamp(shifted, 0.0F, last));
}

float value(std::int32_t code, const Grid& grid) {
    return static_cast<float>(code - grid.zero_point) * grid.scale;
}

float fake_quant(float x, const Grid& grid, int bits) {
    const std::optional<std::int32_t> q = code(x, grid, bits);
    return q ? value(*q, grid) : std::numeric_limits<float>::quiet_NaN();
}

const Grid& grid_at(std::int64_t i, const Layout& layout, std::span<const Grid> grids) {
    return grids[static_cast<std::size_t>(i / layout.inner % layout.channels)];
}

float fake_quant_log(float x, const LogGrid& grid, int bits) {
    if (std::isnan(x)) return x;
    const float t = x * (1.0F / grid.scale);
    if (t < std::numeric_limits<float>::min()) return 0.0F;
    const double steps_per_octave = grid.base == LogBase::two ? 1.0 : 2.0;
    const double q = std::max(0.0, std::nearbyint(-steps_per_octave * std::log2(double{t})));
    const double last = largest_code(bits);
    if (q > last || (q == last && grid.zero == LogZero::top)) return 0.0F;
    if (grid.base == LogBase::two) return std::ldexp(1.0F, -static_cast<int>(q)) * grid.scale;
    const auto steps = static_cast<int>(q);
    const float root = steps % 2 == 1 ? static_cast<float>(std::sqrt(2.0)) : 1.0F;
    return std::ldexp(root, -(steps + 1) / 2) * grid.scale;
}

namespace {

std::vector<float> levels_of(const Grid& grid, int bits) {
    std::vector<float> levels;
    for (std::int32_t q = 0; q <= largest_code(bits - 1); ++q) levels.push_back(value(q, grid));
    return levels;
}

}  // namespace

double nearest_twin_level(float x, const TwinGrid& grid, int bits) {
    const std::vector<float> lower = levels_of(grid.lower, bits),
                             upper = levels_of(grid.upper, bits);
    double nearest = lower.front();
    const auto offer = [&](float level) {
        if (std::abs(double{level} - double{x}) < std::abs(nearest - double{x})) nearest = level;
    };
    for (const float level : lower) offer(level);
    for (const float level : upper) {
        if (level > lower.back()) offer(level);
    }
    return nearest;
}

float fake_quant_twin(float x, const TwinGrid& grid, int bits, TwinJoin join) {
    if (std::isnan(x)) return x;
    const std::vector<float> lower = levels_of(grid.lower, bits),
                             upper = levels_of(grid.upper, bits);
    const float top = lower.back();
    if (join == TwinJoin::added) {
        return fake_quant(std::min(x, top), grid.lower, bits - 1) +
               fake_quant(std::max(x, top), grid.upper, bits - 1);
    }
    const auto next = std::find_if(upper.begin(), upper.end(), [&](float u) { return u > top; });
    if (next == upper.end()) return fake_quant(x, grid.lower, bits - 1);
    const auto middle = static_cast<float>((double{top} + double{*next}) / 2);
    if (x > (middle < *next ? middle : top))
        return std::max(*next, fake_quant(x, grid.upper, bits - 1));
    return std::min(top, fake_quant(x, grid.lower, bits - 1));
}

std::vector<int> log_int_codes(std::span<const float> scores, float scale) {
    using Real = long double;
    const Real s = scale, n = 30;
    const Real x0 = std::floor(Real{-0.6931} / s);
    const Real b = std::floor(Real{0.96963238} / Real{0.35815147} / s);
    const Real c = std::floor(1 / Real{0.35815147} / (s * s));
    Real top = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (const float v : scores) top = std::max(top, std::nearbyint(v / s));
    std::vector<Real> exponentials;
    for (const float v : scores) {
        const Real x = std::max(std::nearbyint(v / s) - top, n * x0);
        const Real q = std::floor(x / x0), r = x - x0 * q;
        const Real e = std::floor((r * (r + b) + c) * std::exp2(n - q));
        exponentials.push_back(std::max<Real>(e, 0));
        sum += exponentials.back();
    }
    std::vector<int> codes;
    for (const Real e : exponentials) {
        const Real k = std::nearbyint(sum / e);
        const Real floor = std::floor(std::log2(k));
        const bool up = k - std::exp2(floor) >= std::exp2(floor - 1);
        codes.push_back(e > 0 ? static_cast<int>(floor) + (up ? 1 : 0) : -1);
    }
    return codes;
}

int power_of_two_factor(std::span<const float> channel, const Grid& widest, int bits, int factors) {
    int best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int k = 0; k <= factors; ++k) {
        const Grid grid{std::ldexp(widest.scale, k - factors), widest.zero_point};
        const double error = grid_error(channel, grid, bits, 2.0);
        if (error < least) {
            least = error;
            best = k;
        }
    }
    return best;
}

double grid_error(std::span<const float> x, const Grid& grid, int bits, double power) {
    double error = 0.0;
    for (const float v : x) {
        error += std::pow(std::abs(double{v} - double{fake_quant(v, grid, bits)}), power);
    }
    return error;
}

double quantile(std::span<const float> x, double quantile) {
    std::vector<float> sorted(x.begin(), x.end());
    std::sort(sorted.begin(), sorted.end());
    const double rank = quantile * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(rank);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double low = sorted[below];
    return low + (rank - static_cast<double>(below)) * (double{sorted[above]} - low);
}

Moments moments(std::span<const float> x) {
    Moments result;
    for (const float v : x) result.mean += v;
    result.mean /= static_cast<double>(x.size());
    for (const float v : x) result.m2 += (v - result.mean) * (v - result.mean);
    return result;
}

}  // namespace aocq::quant::reference
