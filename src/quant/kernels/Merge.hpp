// SPDX-License-Identifier: Apache-2.0
// Joining statistics: of an image to those before it, and of chunks of images, always in order.
#pragma once

#include <cstdint>
#include <span>

#include "store/Statistics.hpp"

namespace aocq::quant {

// Chan, Golub & LeVeque 1979: makes (mean, m2) of n values those of n + other_n values. Arrays are
// [channels].
void merge_moments(std::span<double> mean, std::span<double> m2, std::int64_t n,
                   std::span<const double> other_mean, std::span<const double> other_m2,
                   std::int64_t other_n);

// a's images come before b's. Either may be empty (count 0). Another site, kind or number of
// channels is a programmer's fault. Floating point is not associative: chunks must be merged one by
// one in chunk order.
store::SiteStatistics merge(const store::SiteStatistics& a, const store::SiteStatistics& b);

}  // namespace aocq::quant
