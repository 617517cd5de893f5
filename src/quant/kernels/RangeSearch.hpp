// SPDX-License-Identifier: Apache-2.0
// Searches for the clipping range with the smallest error sum |x - xhat(x)|^p over given values.
// Deterministic: ties go to the wider range.
#pragma once

#include <span>
#include <vector>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// What becomes of a range that lies on one side of zero.
enum class RangeEnds {
    with_zero,    // it is extended to zero: grid_from_range
    as_they_are,  // an asymmetric grid stays where it is, its zero point is then no code. For a
                  // quantizer that a rewrite will move (RepQ-ViT's channel-wise one).
};

// As grid_from_range, with either meaning of the ends. The zero point's magnitude is at most 2^20,
// for which the scale is raised where a range is narrow and far from zero.
Grid grid_from_ends(Range range, int bits, Symmetry symmetry, RangeEnds ends);

struct RangeObjective {
    std::span<const float> values;
    int bits = 8;
    Symmetry symmetry = Symmetry::asymmetric;
    double power = 2.0;
    RangeEnds ends = RangeEnds::with_zero;

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
