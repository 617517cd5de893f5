// SPDX-License-Identifier: Apache-2.0
// Counts over edges that are the same for every tensor and every bit-width, so that histograms of
// any chunks add up: 32 bins per octave (top 5 mantissa bits) for |x| in [2^-24, 2^16), both signs,
// one bin for everything nearer to zero and one at each end for everything beyond. Bins ascend with
// the value; a bin is at most 1/32 of its value wide.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace aocq::quant {

inline constexpr int histogram_min_exponent = -24;
inline constexpr int histogram_max_exponent = 16;
inline constexpr int histogram_bins_per_octave = 32;
inline constexpr int histogram_side =
    (histogram_max_exponent - histogram_min_exponent) * histogram_bins_per_octave;
inline constexpr int histogram_zero_bin = histogram_side + 1;
inline constexpr int histogram_bins = 2 * histogram_zero_bin + 1;  // 2563

// The bin of a finite value. A positive value lies in [bin_lower, bin_upper), a negative one in
// (bin_lower, bin_upper], the zero bin is (-2^-24, 2^-24).
int bin_of(float x);
double bin_lower(int bin);  // -inf for the first
double bin_upper(int bin);  // +inf for the last

// Adds up counts; values must be finite.
class HistogramCounter {
  public:
    HistogramCounter() : counts_{} {}
    void add(std::span<const float> x);
    std::int64_t count(int bin) const;

  private:
    // Two sets in turn: equal neighbours (a ReLU's zeros) would otherwise wait for each other's
    // store.
    std::array<std::int64_t, 2 * static_cast<std::size_t>(histogram_bins)> counts_;
};

// The value below which `quantile` (0..1) of the counted values lie: rank quantile * (n - 1),
// spread evenly inside its bin, clamped to [minimum, maximum]. Off by at most one bin, i.e. 1/32 of
// the value.
double histogram_quantile(std::span<const std::int64_t> counts, double quantile, double minimum,
                          double maximum);

}  // namespace aocq::quant
