// SPDX-License-Identifier: Apache-2.0
// Reductions with a fixed order: extremes through integers (exact in any order), sums in double
// over eight lanes that are added up in one fixed way, so that the bits do not depend on the
// instruction set.
#pragma once

#include <cstdint>
#include <span>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// The extremes of x in the total order of the bits: -NaN < -inf < .. < -0 < +0 < .. < +inf < +NaN,
// so a value that is not finite always shows. {0, 0} where x is empty.
Range min_max(std::span<const float> x);

// max |x|; NaN where there is one; 0 where x is empty.
float abs_max(std::span<const float> x);

double sum(std::span<const float> x);

// Sum of (x - mean)^2.
double sum_of_squares(std::span<const float> x, double mean);

// Sum of |x - xhat(x)|^power over x for one grid, the differences taken in float32 as the
// simulation makes them, and raised in it up to the third power.
double grid_error(std::span<const float> x, const Grid& grid, int bits, double power = 2.0);

}  // namespace aocq::quant
