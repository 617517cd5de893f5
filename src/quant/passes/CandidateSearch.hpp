// SPDX-License-Identifier: Apache-2.0
// The best of many candidates by a loss that is a sum over images of terms that are not negative. A
// candidate is left as soon as what it has lost so far exceeds the best one's whole loss, which is
// exact, or, with a margin, as soon as it has fallen behind on the same images: losses of one image
// go up and down together, so most candidates need to see few.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace aocq::quant {

struct BestCandidate {
    std::size_t index = 0;
    double loss = 0;  // over all images
};

// Writes the losses [groups] of a candidate on one image. Groups (channels, heads) do not feel each
// other's candidate, so each finds its own best one.
using CandidateLoss =
    std::function<void(std::size_t candidate, std::int64_t image, std::span<double> losses)>;

// Of each candidate, whatever the margin.
inline constexpr std::int64_t least_images = 4;

// One result per group; ties go to the smaller index, so candidate 0 should be what is there now. A
// loss that is not finite wins over nothing. A margin of 0.05: a candidate that has lost 5 % more
// than the best one on the same images, at least least_images of them, is left unless it is
// candidate 0, so the result is never worse than that; 0: none is left that might still win.
std::vector<BestCandidate> search_candidates(std::size_t candidates, std::int64_t images,
                                             std::size_t groups, double margin,
                                             const CandidateLoss& loss);

}  // namespace aocq::quant
