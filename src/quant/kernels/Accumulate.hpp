// SPDX-License-Identifier: Apache-2.0
// Statistics of one site, image by image: what comes out depends on the images and their order
// only, never on how they were batched into calls. Per image, channels get a two-pass mean and sum
// of squared deviations in double; images are folded in order by Chan's formula.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/Random.hpp"
#include "quant/kernels/Activation.hpp"
#include "store/Statistics.hpp"

namespace aocq::quant {

struct AccumulatorOptions {
    std::string site;
    std::string kind;
    RandomKey key{
        0};  // the study's key for this stage; the site and the image are added to it here
    // Values drawn per image (with replacement; all of them, in order, where an image has no more
    // than this).
    std::int64_t samples_per_image = 512;
};

class StatisticsAccumulator {
  public:
    explicit StatisticsAccumulator(AccumulatorOptions options);
    ~StatisticsAccumulator();
    StatisticsAccumulator(StatisticsAccumulator&&) noexcept;
    StatisticsAccumulator& operator=(StatisticsAccumulator&&) noexcept;

    // Takes view's images first_image, first_image + 1, ...; indices must ascend from call to call.
    // The number of channels must stay, the number of tokens may change. A value that is not finite
    // is a numeric error naming the site, image and channel; the images before it stay counted.
    void add(std::span<const float> x, const Activation& view, std::int64_t first_image);

    store::SiteStatistics result() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace aocq::quant
