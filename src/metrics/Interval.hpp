// SPDX-License-Identifier: Apache-2.0
// 95 % confidence intervals of a proportion and of a mean.
#pragma once

#include <cstdint>
#include <span>

namespace aocq::metrics {

struct Interval {
    double low = 0;
    double high = 0;
    double half_width() const { return (high - low) / 2; }
};

inline constexpr double normal_quantile_975 = 1.959963984540054;

// Wilson's score interval for `hits` of `n`, as proportions; [0, 1] for n = 0.
// Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
Interval wilson(std::int64_t hits, std::int64_t n, double quantile = normal_quantile_975);

struct Mean {
    std::int64_t n = 0;
    double value = 0;
    double deviation = 0;       // of the sample (n − 1); 0 for n < 2
    double standard_error = 0;  // deviation / √n
};

// Two passes in the given order; zeros for nothing.
Mean mean_of(std::span<const double> values);

// value ± quantile · standard error
Interval normal_interval(double mean, double standard_error, double quantile = normal_quantile_975);

}  // namespace aocq::metrics
