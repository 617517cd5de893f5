// SPDX-License-Identifier: Apache-2.0
// RepQ-ViT's observer (arXiv 2212.08254; METHODS 3.4): of three ranges that cut both tails at a
// percentile, the one with the smallest error.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// Of the upper tail; one minus it of the lower.
inline constexpr std::array<double, 3> candidate_percentiles{0.999, 0.9999, 0.99999};

// The candidate with the smallest error(range), the first of equals. Quantiles interpolate linearly
// between order statistics, over all values. The values are left in another order.
Range best_candidate(std::span<float> values, const std::function<double(Range)>& error);

}  // namespace aocq::quant
