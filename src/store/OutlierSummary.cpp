// SPDX-License-Identifier: Apache-2.0
// Derived figures that tell a reader at a glance where outliers are.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/Error.hpp"
#include "store/Imbalance.hpp"
#include "store/Statistics.hpp"

namespace aocq::store {
namespace {

void require_finite(const std::vector<float>& values, const std::string& site, const char* name) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) {
            throw Error::numeric("activation statistics are not finite")
                .because("the model produced a NaN or an infinity on the calibration images")
                .advise("check the weights and the preprocessing")
                .at("site", site)
                .at("statistic", name)
                .at("position", std::to_string(i));
        }
    }
}

// Channels or tokens that are zero throughout are left out of the median: with many of them the
// ratio would be infinite and say nothing about the others.
double max_over_median(std::vector<float> values) {
    std::erase(values, 0.0F);
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    const double median =
        values.size() % 2 ? values[half] : (double{values[half - 1]} + values[half]) / 2;
    return values.back() / median;
}

double kurtosis(const std::vector<float>& values) {
    if (values.size() < 2) return 0;
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double second = 0, fourth = 0;
    for (const float value : values) {
        const double square = (value - mean) * (value - mean);
        second += square;
        fourth += square * square;
    }
    return second > 0 ? n * fourth / (second * second) : 0;
}

std::vector<std::int32_t> largest(const std::vector<float>& values, std::size_t limit) {
    std::vector<std::int32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
    });
    order.resize(std::min(limit, order.size()));
    return order;
}

}  // namespace

OutlierSummary summarize(const SiteStatistics& statistics) {
    require_finite(statistics.channel_min, statistics.site, "channel_min");
    require_finite(statistics.channel_max, statistics.site, "channel_max");
    require_finite(statistics.token_absmax, statistics.site, "token_absmax");
    require_finite(statistics.samples, statistics.site, "samples");
    const std::vector<float> absmax = channel_absmax(statistics);
    OutlierSummary summary;
    summary.max_over_median_channel = max_over_median(absmax);
    summary.max_over_median_token = max_over_median(statistics.token_absmax);
    summary.kurtosis_of_samples = kurtosis(statistics.samples);
    summary.top_channels = largest(absmax, 8);
    return summary;
}

}  // namespace aocq::store
