// SPDX-License-Identifier: Apache-2.0
// The best classes of one row of logits, with a rule for ties, so that a count never depends on a
// sorting algorithm.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace aocq::metrics {

// Indices of the k largest logits [classes] f32, largest first; of equal ones the lower index
// first. Fewer than k classes give that many indices. A NaN is an Error(numeric). O(classes · k).
std::vector<std::int32_t> top_k(std::span<const float> logits, int k);

// The same for k = 5, filled up with -1 where there are fewer classes.
std::array<std::int32_t, 5> top5(std::span<const float> logits);

}  // namespace aocq::metrics
