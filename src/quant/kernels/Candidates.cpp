// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Candidates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

std::ptrdiff_t rank_below(double quantile, std::size_t count) {
    return static_cast<std::ptrdiff_t>(quantile * static_cast<double>(count - 1));
}

// Puts in order what lies below the innermost lower and above the innermost upper quantile: two
// selections for all candidates.
void order_tails(std::span<float> values) {
    const double inner = candidate_percentiles.front();
    const auto upper = values.begin() + rank_below(inner, values.size());
    std::nth_element(values.begin(), upper, values.end());
    std::sort(upper, values.end());
    const auto lower = values.begin() +
                       std::min(rank_below(1.0 - inner, values.size()) + 1, upper - values.begin());
    std::nth_element(values.begin(), lower, upper);
    std::sort(values.begin(), lower);
}

float quantile_of(std::span<const float> values, double quantile) {
    const double rank = quantile * static_cast<double>(values.size() - 1);
    const std::ptrdiff_t below = rank_below(quantile, values.size());
    const float low = values[static_cast<std::size_t>(below)];
    const double part = rank - static_cast<double>(below);
    if (part == 0.0) return low;
    const double high = values[static_cast<std::size_t>(below) + 1];
    return static_cast<float>(low + part * (high - low));
}

}  // namespace

Range best_candidate(std::span<float> values, const std::function<double(Range)>& error) {
    AOCQ_EXPECT(!values.empty());
    order_tails(values);
    Range best;
    double least = std::numeric_limits<double>::infinity();
    for (const double percentile : candidate_percentiles) {
        const Range range{quantile_of(values, 1.0 - percentile), quantile_of(values, percentile)};
        const double found = error(range);
        if (found < least || percentile == candidate_percentiles.front()) {
            least = found;
            best = range;
        }
    }
    return best;
}

}  // namespace aocq::quant
