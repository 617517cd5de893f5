// SPDX-License-Identifier: Apache-2.0
// McNemar's test: do two methods differ on the same images? Only the images that one of them gets
// right and the other wrong count.
#pragma once

#include <cstdint>
#include <span>

#include "metrics/ImageResult.hpp"

namespace aocq::metrics {

struct McNemar {
    std::int64_t only_first = 0;   // right with the first, wrong with the second
    std::int64_t only_second = 0;  // the other way round
    double exact = 1;              // two-sided p of the binomial test with 1/2
    double mid_p = 1;  // the same less P(observed): closer to the nominal level on few images
                       // (Fagerland, Lydersen, Laake, BMC Med. Res. Methodol. 13 (2013) 91)
};

McNemar mcnemar(std::int64_t only_first, std::int64_t only_second);

// Pairs the results by index; both have to hold the same images with the same labels, anything
// else is an Error(input).
McNemar mcnemar(std::span<const ImageResult> first, std::span<const ImageResult> second);

}  // namespace aocq::metrics
