// SPDX-License-Identifier: Apache-2.0
// What one evaluated image leaves behind, and the counts over many. Per-image results are kept, so
// that two methods can be compared on the same images.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace aocq::metrics {

struct ImageResult {
    std::uint32_t index = 0;                               // position in the evaluation list
    std::int32_t label = 0;                                // class of the image
    std::array<std::int32_t, 5> top5{-1, -1, -1, -1, -1};  // best first; -1 for no class
    double kl = 0;        // KL(float ‖ this) of the class probabilities, nats
    bool agrees = false;  // first prediction equals the float model's

    bool right() const { return top5[0] == label; }
    bool right_within_5() const;
};

struct Summary {
    std::int64_t n = 0;      // images
    std::int64_t top1 = 0;   // images whose first prediction is the label
    std::int64_t top5 = 0;   // images whose label is among the first five
    std::int64_t agree = 0;  // images whose first prediction is the float model's
    double kl_mean = 0;      // nats
    double kl_standard_error = 0;

    bool operator==(const Summary&) const = default;
};

// Adds up in the order of `index`, whatever the order of arrival, so that the sums are the same
// bits on any number of ranks. An index that comes twice is a programmer's fault; a divergence
// that is not finite is an Error(numeric).
Summary summarize(std::span<const ImageResult> results);

}  // namespace aocq::metrics
