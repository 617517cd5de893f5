// SPDX-License-Identifier: Apache-2.0
#include "metrics/Interval.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::metrics {

Interval wilson(std::int64_t hits, std::int64_t n, double quantile) {
    AOCQ_EXPECT(0 <= hits && hits <= n);
    if (n == 0) return {0, 1};
    const auto count = static_cast<double>(n);
    const double share = static_cast<double>(hits) / count;
    const double square = quantile * quantile;
    const double scale = 1 / (1 + square / count);
    const double centre = scale * (share + square / (2 * count));
    const double half =
        scale * quantile * std::sqrt(share * (1 - share) / count + square / (4 * count * count));
    // At the ends the formula gives 0 and 1 but for rounding.
    return {hits == 0 ? 0 : std::max(0.0, centre - half),
            hits == n ? 1 : std::min(1.0, centre + half)};
}

Mean mean_of(std::span<const double> values) {
    Mean mean;
    mean.n = static_cast<std::int64_t>(values.size());
    if (values.empty()) return mean;
    const auto count = static_cast<double>(values.size());
    for (const double value : values) mean.value += value;
    mean.value /= count;
    if (values.size() < 2) return mean;
    double squares = 0;
    for (const double value : values) squares += (value - mean.value) * (value - mean.value);
    mean.deviation = std::sqrt(squares / (count - 1));
    mean.standard_error = mean.deviation / std::sqrt(count);
    return mean;
}

Interval normal_interval(double mean, double standard_error, double quantile) {
    return {mean - quantile * standard_error, mean + quantile * standard_error};
}

}  // namespace aocq::metrics
