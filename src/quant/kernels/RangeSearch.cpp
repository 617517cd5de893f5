// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/RangeSearch.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"
#include "quant/kernels/Reduce.hpp"

namespace aocq::quant {
namespace {

float shrunk(float end, double factor) {
    return static_cast<float>(static_cast<double>(end) * factor);
}

// The best of `make(factor)` over all factors, where `start` has error `error`.
template <class Make>
Range best_of(const RangeObjective& objective, std::span<const double> factors, Range start,
              double& error, const Make& make) {
    Range best = start;
    for (const double factor : factors) {
        const Range candidate = make(factor);
        if (candidate == start) continue;
        const double found = objective(candidate);
        if (found < error) {
            error = found;
            best = candidate;
        }
    }
    return best;
}

}  // namespace

Grid grid_from_ends(Range range, int bits, Symmetry symmetry, RangeEnds ends) {
    const bool around_zero = range.low <= 0.0F && range.high >= 0.0F && range.low < range.high;
    const bool finite = std::isfinite(range.low) && std::isfinite(range.high);
    if (ends == RangeEnds::with_zero || symmetry == Symmetry::symmetric || around_zero || !finite)
        return grid_from_range(range.low, range.high, bits, symmetry);
    AOCQ_EXPECT(range.low <= range.high);
    constexpr double farthest = 0x1p20;
    const double low = range.low, width = static_cast<double>(range.high) - low;
    const double smallest = std::max(std::abs(low) / farthest, 0x1p-40);
    const auto scale = static_cast<float>(std::max(width / largest_code(bits), smallest));
    return {scale, static_cast<std::int32_t>(std::nearbyint(-low / static_cast<double>(scale)))};
}

double RangeObjective::operator()(Range range) const {
    return grid_error(values, grid_from_ends(range, bits, symmetry, ends), bits, power);
}

std::vector<double> linear_factors(double last, int steps) {
    AOCQ_EXPECT(steps >= 1 && last > 0.0 && last <= 1.0);
    std::vector<double> factors{1.0};
    for (int i = 1; i <= steps; ++i) factors.push_back(1.0 - (1.0 - last) * i / steps);
    return factors;
}

std::vector<double> search_factors(int steps) {
    AOCQ_EXPECT(steps >= 2);
    constexpr double knee = 0.3;
    constexpr double end = 0.006;
    const int far = steps / 3;
    std::vector<double> factors = linear_factors(knee, steps - far);
    for (int i = 1; i <= far; ++i) factors.push_back(knee * std::pow(end / knee, 1.0 * i / far));
    return factors;
}

Range search_joint(const RangeObjective& objective, Range full, std::span<const double> factors) {
    double error = objective(full);
    return best_of(objective, factors, full, error, [&](double factor) {
        return Range{shrunk(full.low, factor), shrunk(full.high, factor)};
    });
}

Range search_ends(const RangeObjective& objective, Range full, std::span<const double> factors,
                  int rounds) {
    if (objective.symmetry == Symmetry::symmetric) return search_joint(objective, full, factors);
    // The grid contains 0 anyway, so an end on the other side of 0 is 0.
    full = {full.low < 0.0F ? full.low : 0.0F, full.high > 0.0F ? full.high : 0.0F};
    Range best = full;
    double error = objective(full);
    for (int round = 0; round < rounds; ++round) {
        const Range before = best;
        if (full.low < 0.0F) {
            best = best_of(objective, factors, best, error, [&](double factor) {
                return Range{shrunk(full.low, factor), best.high};
            });
        }
        if (full.high > 0.0F) {
            best = best_of(objective, factors, best, error, [&](double factor) {
                return Range{best.low, shrunk(full.high, factor)};
            });
        }
        if (best == before) break;
    }
    return best;
}

}  // namespace aocq::quant
