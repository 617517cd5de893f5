// SPDX-License-Identifier: Apache-2.0
#include "store/Imbalance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "core/Error.hpp"

namespace aocq::store {
namespace {

// Of the values that are not zero throughout; 0 where there is none.
double median_of(std::vector<float> values) {
    std::erase(values, 0.0F);
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 ? double{values[half]}
                             : (double{values[half - 1]} + double{values[half]}) / 2;
}

char shade(double over_median) {
    constexpr std::string_view shades = " .:-=+*#%@";
    if (!(over_median >= 0.5)) return shades.front();
    const double steps = std::floor(std::log2(over_median)) + 2;
    return shades[static_cast<std::size_t>(
        std::min(steps, static_cast<double>(shades.size() - 1)))];
}

void add_lines(std::string& text, const std::string& site, std::string_view axis,
               const std::vector<float>& absmax) {
    const double median = median_of(absmax);
    for (std::size_t i = 0; i < absmax.size(); ++i) {
        fmt::format_to(std::back_inserter(text), "{},{},{},{:.9g},{:.6g}\n", site, axis, i,
                       absmax[i], median > 0 ? absmax[i] / median : 0.0);
    }
}

}  // namespace

std::vector<float> channel_absmax(const SiteStatistics& statistics) {
    AOCQ_EXPECT(statistics.channel_min.size() == statistics.channel_max.size());
    std::vector<float> absmax(statistics.channel_min.size());
    for (std::size_t c = 0; c < absmax.size(); ++c) {
        absmax[c] =
            std::max(std::abs(statistics.channel_min[c]), std::abs(statistics.channel_max[c]));
    }
    return absmax;
}

std::string imbalance_strip(const std::vector<float>& absmax, std::size_t width) {
    AOCQ_EXPECT(width > 0);
    const double median = median_of(absmax);
    const std::size_t parts = std::min(width, absmax.size());
    std::string strip;
    for (std::size_t i = 0; i < parts; ++i) {
        const auto first = absmax.begin() + static_cast<std::ptrdiff_t>(i * absmax.size() / parts);
        const auto last =
            absmax.begin() + static_cast<std::ptrdiff_t>((i + 1) * absmax.size() / parts);
        strip += shade(median > 0 ? *std::max_element(first, last) / median : 0.0);
    }
    return strip;
}

std::string imbalance_csv(const StatisticsFile& statistics) {
    std::string text = "site,axis,index,absmax,over_median\n";
    for (const SiteStatistics& site : statistics.sites) {
        add_lines(text, site.site, "channel", channel_absmax(site));
        add_lines(text, site.site, "token", site.token_absmax);
    }
    return text;
}

}  // namespace aocq::store
