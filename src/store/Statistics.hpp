// SPDX-License-Identifier: Apache-2.0
// Activation statistics of one site (DESIGN §3.4: independent of any bit-width) and their file.
// An activation is seen as [rows, tokens, channels]: channels as the site's kind says, tokens the
// position in the sequence, on the map or among the windows (1 where there is none).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/Bundle.hpp"

namespace aocq::store {

struct SiteStatistics {
    std::string site;                // "blocks.3.mlp.fc2:input"
    std::string kind;                // "linear.input"
    std::int64_t count = 0;          // values seen
    float minimum = 0, maximum = 0;  // over everything; 0 while count == 0
    // per channel [C]
    std::vector<float> channel_min, channel_max;
    std::vector<double> channel_mean,
        channel_m2;                  // mean and sum of squared deviations (Welford/Chan)
    std::int64_t channel_count = 0;  // values per channel
    // per token position [N]
    std::vector<float> token_absmax;
    // counts over fixed edges (quant/kernels/Histogram.hpp): [bins]
    std::vector<std::int64_t> histogram;
    // a bounded random sample of values, in image order
    std::vector<float> samples;
    // extremes of every image, in image order [images] (the running-average observer needs their
    // sequence)
    std::vector<float> image_min, image_max;
};

struct StatisticsFile {
    Json attributes;  // provenance: keys, model, images
    std::vector<SiteStatistics> sites;
};

Bundle to_bundle(const StatisticsFile& statistics);
StatisticsFile statistics_from_bundle(const Bundle& bundle);

// Derived figures for people (METHODS §6b): written beside the raw ones, never read back for
// fitting.
struct OutlierSummary {
    double max_over_median_channel = 0;  // largest channel absmax / median channel absmax
    double max_over_median_token = 0;
    double kurtosis_of_samples = 0;          // of `samples`; 3 for a normal distribution
    std::vector<std::int32_t> top_channels;  // at most 8, largest absmax first
};
OutlierSummary summarize(const SiteStatistics& statistics);

}  // namespace aocq::store
