// SPDX-License-Identifier: Apache-2.0
// Sums of squares over the rows and over the columns of a matrix in one pass.
#pragma once

#include <span>

namespace aocq::quant {

// x [rows, columns]: row_sums [rows] get sum of x^2 of each row, column_sums [columns] are added
// to. In double, lanes of a row added in one fixed order.
void sum_squares(std::span<const float> x, std::span<double> row_sums,
                 std::span<double> column_sums);

}  // namespace aocq::quant
