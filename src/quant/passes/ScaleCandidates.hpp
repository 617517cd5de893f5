// SPDX-License-Identifier: Apache-2.0
// The grids that a search may choose from.
#pragma once

#include <vector>

#include "quant/Quantization.hpp"

namespace aocq::quant {

// First the grids of `now`, then those of `start` with their scales multiplied by each factor
// (their zero points stay, so both ends move). Of twin grids the upper one is scaled where the
// lower one is that of GELU's negative values; those of attention probabilities are instead the
// ones of every split (METHODS 3.2).
std::vector<std::vector<Grid>> scale_candidates(const Quantizer& now,
                                                const std::vector<Grid>& start, const Site& site,
                                                const std::vector<double>& factors);

}  // namespace aocq::quant
