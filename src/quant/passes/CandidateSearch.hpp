// SPDX-License-Identifier: Apache-2.0
// The exact best of many candidates by a loss that is a sum over images of terms that are not
// negative: a candidate is left as soon as what it has lost so far exceeds the best one's whole
// loss. Images on which the first candidate loses most come first, so most candidates see few.
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

// One result per group; ties go to the smaller index, so candidate 0 should be what is there now. A
// loss that is not finite wins over nothing.
std::vector<BestCandidate> search_candidates(std::size_t candidates, std::int64_t images,
                                             std::size_t groups, const CandidateLoss& loss);

}  // namespace aocq::quant
