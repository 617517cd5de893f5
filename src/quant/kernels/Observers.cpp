// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Observers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/Error.hpp"
#include "quant/kernels/Candidates.hpp"
#include "quant/kernels/Histogram.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "quant/kernels/Reduce.hpp"

namespace aocq::quant {
namespace {

constexpr double omse_last = 0.11;  // 1 - 0.01 * 89
constexpr int omse_steps = 89;

void expect_usable(const ObserverOptions& options) {
    AOCQ_EXPECT(options.percentile >= 0.5 && options.percentile <= 1.0);
    AOCQ_EXPECT(options.ema_sigma >= 0.0 && options.ema_sigma <= 1.0);
    AOCQ_EXPECT(options.power > 0.0 && options.steps >= 2);
}

[[noreturn]] void cannot(const ObserverOptions& options, std::string reason, std::string remedy) {
    throw Error::config("this observer cannot be used here")
        .because(std::move(reason))
        .advise(std::move(remedy))
        .at("observer", std::string(observer_names.name(options.observer)));
}

void expect_statistics(const store::SiteStatistics& statistics, const ObserverOptions& options) {
    if (statistics.count > 0) return;
    cannot(options, fmt::format("site {} saw no values", statistics.site),
           "check the number of calibration images");
}

Range running_average(const store::SiteStatistics& statistics, const ObserverOptions& options) {
    if (statistics.image_min.empty()) {
        cannot(options, "the statistics lack the images' extremes", "collect them anew");
    }
    AOCQ_EXPECT(statistics.image_min.size() == statistics.image_max.size());
    double low = statistics.image_min.front();
    double high = statistics.image_max.front();
    for (std::size_t i = 1; i < statistics.image_min.size(); ++i) {
        low += options.ema_sigma * (statistics.image_min[i] - low);
        high += options.ema_sigma * (statistics.image_max[i] - high);
    }
    return {static_cast<float>(low), static_cast<float>(high)};
}

Range histogram_tails(const store::SiteStatistics& statistics, double percentile) {
    const auto at = [&](double quantile) {
        return static_cast<float>(histogram_quantile(statistics.histogram, quantile,
                                                     statistics.minimum, statistics.maximum));
    };
    return {at(1.0 - percentile), at(percentile)};
}

Range best_tails(const store::SiteStatistics& statistics, const RangeObjective& objective) {
    Range best = histogram_tails(statistics, candidate_percentiles.front());
    double least = objective(best);
    for (const double percentile : candidate_percentiles) {
        const Range range = histogram_tails(statistics, percentile);
        const double error = objective(range);
        if (error >= least) continue;
        least = error;
        best = range;
    }
    return best;
}

// Linear interpolation between order statistics; `values` is left in another order.
float quantile_of(std::span<float> values, double quantile) {
    const double rank = quantile * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(rank);
    const auto place = values.begin() + below;
    std::nth_element(values.begin(), place, values.end());
    const double low = *place;
    const double part = rank - static_cast<double>(below);
    if (part == 0.0) return *place;
    const double high = *std::min_element(place + 1, values.end());
    return static_cast<float>(low + part * (high - low));
}

Range fit_row(std::vector<float>& row, int bits, Symmetry symmetry, const ObserverOptions& options,
              RangeEnds ends) {
    const Range full = min_max(row);
    const RangeObjective objective{row, bits, symmetry, options.power, ends};
    switch (options.observer) {
        case Observer::minmax:
            return full;
        case Observer::percentile: {
            const float low = quantile_of(row, 1.0 - options.percentile);
            return {low, quantile_of(row, options.percentile)};
        }
        case Observer::mse:
            return search_joint(objective, full,
                                linear_factors(smallest_shrink(bits), options.steps));
        case Observer::omse:
            return search_joint(objective, full, linear_factors(omse_last, omse_steps));
        case Observer::candidates:
            return best_candidate(row, objective);
        case Observer::ema:
            break;
    }
    cannot(options, "raw values have no order of images to average over", "use minmax or mse");
}

}  // namespace

double smallest_shrink(int bits) {
    switch (bits) {
        case 5:
            return 0.5;
        case 6:
            return 0.6;
        case 7:
            return 0.7;
        default:
            return bits <= 4 ? 0.35 : 0.8;
    }
}

Range observe_range(const store::SiteStatistics& statistics, int bits, Symmetry symmetry,
                    const ObserverOptions& options) {
    expect_usable(options);
    expect_statistics(statistics, options);
    const Range full{statistics.minimum, statistics.maximum};
    if (options.observer == Observer::minmax) return full;
    if (options.observer == Observer::ema) return running_average(statistics, options);
    if (options.observer == Observer::percentile) {
        return histogram_tails(statistics, options.percentile);
    }
    if (statistics.samples.empty()) {
        cannot(options, "the statistics hold no samples", "collect with samples per image > 0");
    }
    std::vector<float> values = statistics.samples;
    values.push_back(full.low);
    values.push_back(full.high);
    const RangeObjective objective{values, bits, symmetry, options.power};
    if (options.observer == Observer::omse) {
        return search_joint(objective, full, linear_factors(omse_last, omse_steps));
    }
    if (options.observer == Observer::candidates) return best_tails(statistics, objective);
    return search_ends(objective, full, search_factors(options.steps));
}

std::vector<Range> observe_channel_ranges(const store::SiteStatistics& statistics,
                                          const ObserverOptions& options) {
    expect_usable(options);
    expect_statistics(statistics, options);
    if (options.observer != Observer::minmax) {
        cannot(options, "statistics keep the extremes of a channel only",
               "use minmax for per-channel activations");
    }
    std::vector<Range> ranges;
    ranges.reserve(statistics.channel_min.size());
    for (std::size_t c = 0; c < statistics.channel_min.size(); ++c) {
        ranges.push_back({statistics.channel_min[c], statistics.channel_max[c]});
    }
    return ranges;
}

std::vector<Grid> fit_rows(std::span<const float> values, const Layout& layout, int bits,
                           Symmetry symmetry, const ObserverOptions& options, RangeEnds ends) {
    expect_usable(options);
    AOCQ_EXPECT(static_cast<std::int64_t>(values.size()) == layout.size());
    AOCQ_EXPECT(layout.outer * layout.inner > 0 || layout.channels == 0);
    std::vector<Grid> grids;
    grids.reserve(static_cast<std::size_t>(layout.channels));
    std::vector<float> row;
    for (std::int64_t c = 0; c < layout.channels; ++c) {
        row.clear();
        for (std::int64_t o = 0; o < layout.outer; ++o) {
            const auto first = values.begin() + (o * layout.channels + c) * layout.inner;
            row.insert(row.end(), first, first + layout.inner);
        }
        const Range range = fit_row(row, bits, symmetry, options, ends);
        grids.push_back(grid_from_ends(range, bits, symmetry, ends));
    }
    return grids;
}

}  // namespace aocq::quant
