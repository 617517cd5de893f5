// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Merge.hpp"

#include <algorithm>
#include <vector>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void merge_moments(std::span<double> mean, std::span<double> m2, std::int64_t n,
                   std::span<const double> other_mean, std::span<const double> other_m2,
                   std::int64_t other_n) {
    AOCQ_EXPECT(mean.size() == m2.size() && mean.size() == other_mean.size() &&
                mean.size() == other_m2.size() && n + other_n > 0);
    const double share = static_cast<double>(other_n) / static_cast<double>(n + other_n);
    const double weight = static_cast<double>(n) * share;
    for (std::size_t c = 0; c < mean.size(); ++c) {
        const double delta = other_mean[c] - mean[c];
        mean[c] += delta * share;
        m2[c] += other_m2[c] + delta * delta * weight;
    }
}

store::SiteStatistics merge(const store::SiteStatistics& a, const store::SiteStatistics& b) {
    AOCQ_EXPECT(a.site == b.site && a.kind == b.kind);
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    AOCQ_EXPECT(a.channel_min.size() == b.channel_min.size());
    AOCQ_EXPECT(a.histogram.size() == b.histogram.size());
    store::SiteStatistics all = a;
    all.count += b.count;
    all.minimum = std::min(a.minimum, b.minimum);
    all.maximum = std::max(a.maximum, b.maximum);
    for (std::size_t c = 0; c < all.channel_min.size(); ++c) {
        all.channel_min[c] = std::min(a.channel_min[c], b.channel_min[c]);
        all.channel_max[c] = std::max(a.channel_max[c], b.channel_max[c]);
    }
    merge_moments(all.channel_mean, all.channel_m2, a.channel_count, b.channel_mean, b.channel_m2,
                  b.channel_count);
    all.channel_count += b.channel_count;
    // Images of different sizes have different numbers of tokens.
    all.token_absmax.resize(std::max(a.token_absmax.size(), b.token_absmax.size()));
    for (std::size_t t = 0; t < b.token_absmax.size(); ++t) {
        all.token_absmax[t] = std::max(all.token_absmax[t], b.token_absmax[t]);
    }
    for (std::size_t i = 0; i < all.histogram.size(); ++i) all.histogram[i] += b.histogram[i];
    append(all.samples, b.samples);
    append(all.image_min, b.image_min);
    append(all.image_max, b.image_max);
    return all;
}

}  // namespace aocq::quant
