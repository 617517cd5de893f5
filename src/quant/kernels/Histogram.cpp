// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr int dropped_bits = 18;  // 23 mantissa bits, of which the top 5 count
constexpr std::int32_t first_magnitude = (127 + histogram_min_exponent) << 5;  // of the top 13 bits

inline std::int32_t bin_index(float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    std::int32_t place = ((bits & 0x7FFFFFFF) >> dropped_bits) - first_magnitude + 1;
    place = place < 0 ? 0 : place;
    place = place > histogram_side + 1 ? histogram_side + 1 : place;
    const std::int32_t sign = bits >> 31;  // 0 or -1
    return histogram_zero_bin + ((place ^ sign) - sign);
}

AOCQ_CLONES void bin_indices(const float* x, std::int64_t n, std::int32_t* bins) {
    for (std::int64_t i = 0; i < n; ++i) bins[i] = bin_index(x[i]);
}

// The magnitude where place p (1..side) begins.
double magnitude(int place) {
    const int octave = (place - 1) / histogram_bins_per_octave;
    const int step = (place - 1) % histogram_bins_per_octave;
    return std::ldexp(1.0 + step / static_cast<double>(histogram_bins_per_octave),
                      histogram_min_exponent + octave);
}

}  // namespace

int bin_of(float x) {
    return bin_index(x);
}

double bin_lower(int bin) {
    AOCQ_EXPECT(bin >= 0 && bin < histogram_bins);
    if (bin == 0) return -std::numeric_limits<double>::infinity();
    const int place = bin - histogram_zero_bin;
    return place > 0 ? magnitude(place) : -magnitude(1 - place);
}

double bin_upper(int bin) {
    AOCQ_EXPECT(bin >= 0 && bin < histogram_bins);
    return -bin_lower(histogram_bins - 1 - bin);
}

void HistogramCounter::add(std::span<const float> x) {
    constexpr std::size_t block = 512;
    std::array<std::int32_t, block> bins;
    std::int64_t* first = counts_.data();
    std::int64_t* second = counts_.data() + histogram_bins;
    for (std::size_t at = 0; at < x.size(); at += block) {
        const std::size_t n = std::min(block, x.size() - at);
        bin_indices(x.data() + at, static_cast<std::int64_t>(n), bins.data());
        std::size_t i = 0;
        for (; i + 2 <= n; i += 2) {
            ++first[bins[i]];
            ++second[bins[i + 1]];
        }
        if (i < n) ++first[bins[i]];
    }
}

std::int64_t HistogramCounter::count(int bin) const {
    AOCQ_EXPECT(bin >= 0 && bin < histogram_bins);
    const auto i = static_cast<std::size_t>(bin);
    return counts_[i] + counts_[i + static_cast<std::size_t>(histogram_bins)];
}

double histogram_quantile(std::span<const std::int64_t> counts, double quantile, double minimum,
                          double maximum) {
    AOCQ_EXPECT(static_cast<int>(counts.size()) == histogram_bins);
    AOCQ_EXPECT(quantile >= 0.0 && quantile <= 1.0 && minimum <= maximum);
    std::int64_t all = 0;
    for (const std::int64_t count : counts) all += count;
    AOCQ_EXPECT(all > 0);
    const double rank = quantile * static_cast<double>(all - 1);
    std::int64_t before = 0;
    int bin = 0;
    while (bin + 1 < histogram_bins &&
           static_cast<double>(before + counts[static_cast<std::size_t>(bin)]) <= rank) {
        before += counts[static_cast<std::size_t>(bin++)];
    }
    const auto inside = static_cast<double>(counts[static_cast<std::size_t>(bin)]);
    const double low = std::max(bin_lower(bin), minimum);
    const double high = std::min(bin_upper(bin), maximum);
    const double part =
        inside > 0 ? std::clamp((rank - static_cast<double>(before) + 0.5) / inside, 0.0, 1.0)
                   : 1.0;
    return std::clamp(low + part * (high - low), minimum, maximum);
}

}  // namespace aocq::quant
