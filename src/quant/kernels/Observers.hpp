// SPDX-License-Identifier: Apache-2.0
// From statistics or raw weights to ranges and grids: the classical observers (METHODS §2), which
// need neither the model nor the images. Everything here is a pure function of its arguments.
#pragma once

#include <span>
#include <vector>

#include "core/EnumTable.hpp"
#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Layout.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "store/Statistics.hpp"

namespace aocq::quant {

enum class Observer {
    minmax,  // the exact extremes
    ema,  // m += sigma * (new - m) over the images' extremes in order, starting at the first image
    percentile,  // both tails cut (FQ-ViT); activations: from the histogram, off by 1/32 of the
                 // value at most
    mse,   // low and high end searched separately; weights: both ends together, less far at more
           // bits
    omse,  // both ends shrunk together by 1 - 0.01 i, i < 90 (FQ-ViT)
    candidates,  // the best of three percentiles (RepQ-ViT, Candidates.hpp); activations: tails
                 // from the histogram, errors from the samples
};
inline constexpr EnumTable<Observer, 6> observer_names{{{{Observer::minmax, "minmax"},
                                                         {Observer::ema, "ema"},
                                                         {Observer::percentile, "percentile"},
                                                         {Observer::mse, "mse"},
                                                         {Observer::omse, "omse"},
                                                         {Observer::candidates, "candidates"}}}};

struct ObserverOptions {
    Observer observer = Observer::minmax;
    double percentile = 0.99999;  // of the upper tail, 1 - percentile of the lower; 0.5..1
    double ema_sigma = 0.01;      // 0..1
    double power = 2.0;           // p of mse and omse; 2.4 is QDrop's
    int steps = 100;              // candidates per search of mse
};

// The range of a site for one grid. mse and omse weigh the samples and the two exact extremes.
// Throws a config error where the observer needs what the statistics lack (samples, images'
// extremes) or no value was seen.
Range observe_range(const store::SiteStatistics& statistics, int bits, Symmetry symmetry,
                    const ObserverOptions& options);

// One range per channel. Statistics know a channel's extremes only, so an observer other than
// minmax is a config error (fit_rows does it from raw values).
std::vector<Range> observe_channel_ranges(const store::SiteStatistics& statistics,
                                          const ObserverOptions& options);

// Grids for raw values, one per channel of the layout: minmax, percentile and candidates (exact, by
// sorting), mse, omse; ema is a config error. mse shrinks both ends by the same factor from 1 down
// to 0.35 at up to 4 bits, 0.6 at 6, 0.8 at 8.
std::vector<Grid> fit_rows(std::span<const float> values, const Layout& layout, int bits,
                           Symmetry symmetry, const ObserverOptions& options,
                           RangeEnds ends = RangeEnds::with_zero);

// The smallest factor of mse for weights.
double smallest_shrink(int bits);

}  // namespace aocq::quant
