// SPDX-License-Identifier: Apache-2.0
// What a layer's output loses: sums over the rows of a reference o and of what quantization made of
// it, column by column, d = ohat - o. Differences and products in float32, a few rows at a time,
// then double; one fixed order, so the bits do not depend on the instruction set.
#pragma once

#include <cstdint>
#include <span>

namespace aocq::quant {

struct DifferenceColumns {  // [columns] each
    std::span<double> d, od, dd;
};

// o and ohat [rows, columns]; adds the sums of d, o d and d^2 to `sums`.
void add_differences(std::span<const float> o, std::span<const float> ohat,
                     const DifferenceColumns& sums);

// g [rows, columns]; adds the sums of (g d)^2 to `sums` [columns].
void add_weighted_errors(std::span<const float> o, std::span<const float> ohat,
                         std::span<const float> g, std::span<double> sums);

// Mean over the pairs i < j of a row, and over the rows, of
//   max(0, margin - (ahat_i - ahat_j) * sign(a_i - a_j)):
// how far ahat is from keeping the order of a (METHODS 3.3). a and ahat [rows, columns].
double rank_loss(std::span<const float> a, std::span<const float> ahat, std::int64_t columns,
                 float margin);

}  // namespace aocq::quant
