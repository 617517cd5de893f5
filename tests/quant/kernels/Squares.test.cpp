// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Squares.hpp"

#include <gtest/gtest.h>

#include "quant/kernels/Values.hpp"

namespace aocq::quant {
namespace {

TEST(Squares, AreSummedOverRowsAndAddedToColumns) {
    constexpr std::size_t rows = 5, columns = 19;
    const std::vector<float> x = test::normal_values("squares", rows * columns, 3.0);
    std::vector<double> of_rows(rows, 99.0), of_columns(columns, 1.0);
    sum_squares(x, of_rows, of_columns);
    for (std::size_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (std::size_t c = 0; c < columns; ++c)
            sum += double{x[r * columns + c]} * x[r * columns + c];
        EXPECT_NEAR(of_rows[r], sum, 1e-12 * sum);
    }
    for (std::size_t c = 0; c < columns; ++c) {
        double sum = 1.0;
        for (std::size_t r = 0; r < rows; ++r)
            sum += double{x[r * columns + c]} * x[r * columns + c];
        EXPECT_NEAR(of_columns[c], sum, 1e-12 * sum);
    }
}

}  // namespace
}  // namespace aocq::quant
