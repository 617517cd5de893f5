// SPDX-License-Identifier: Apache-2.0
// How unevenly a site's values lie over its channels and tokens: as a line of text for a reader and
// as a table for a plot.
#pragma once

#include <string>
#include <vector>

#include "store/Statistics.hpp"

namespace aocq::store {

// The largest absolute value of every channel [C].
std::vector<float> channel_absmax(const SiteStatistics& statistics);

// One character per part of the values, `width` parts of equal length (fewer where there are fewer
// values), for the largest value of the part over the median of all: blank below a half, then one
// step of " .:-=+*#%@" for every factor of two.
std::string imbalance_strip(const std::vector<float>& absmax, std::size_t width);

// "site,axis,index,absmax,over_median", one line per channel and per token of every site.
std::string imbalance_csv(const StatisticsFile& statistics);

}  // namespace aocq::store
