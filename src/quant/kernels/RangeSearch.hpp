// SPDX-License-Identifier: Apache-2.0
// Searches for the clipping range with the smallest error sum |x - xhat(x)|^p over given values.
// Deterministic: ties go to the wider range.
#pragma once

#include <span>
#include <vector>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

struct RangeObjective {
    std::span<const float> values;
    int bits = 8;
    Symmetry symmetry = Symmetry::asymmetric;
    double power = 2.0;

    double operator()(Range range) const;  // the error; O(values)
};

// 1, .., last in `steps` equal steps.
std::vector<double> linear_factors(double last, int steps);
// 1 .. 0.3 linear (two thirds of the steps), then on to 0.006 logarithmic: far outliers need a far
// search.
std::vector<double> search_factors(int steps);

// Both ends shrunk by the same factor.
Range search_joint(const RangeObjective& objective, Range full, std::span<const double> factors);

// Coordinate search: the low end with the high end kept, then the other way round, `rounds` times.
// A symmetric grid has one end only and is searched jointly.
Range search_ends(const RangeObjective& objective, Range full, std::span<const double> factors,
                  int rounds = 2);

}  // namespace aocq::quant
