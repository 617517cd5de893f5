// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Squares.hpp"

#include <cstdint>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

AOCQ_CLONES double add_row(const float* x, double* columns, std::int64_t n) {
    constexpr int lanes = 8;
    double part[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
            const double square =
                static_cast<double>(x[i + lane]) * static_cast<double>(x[i + lane]);
            part[lane] += square;
            columns[i + lane] += square;
        }
    }
    for (int lane = 0; i < n; ++i, ++lane) {
        const double square = static_cast<double>(x[i]) * static_cast<double>(x[i]);
        part[lane] += square;
        columns[i] += square;
    }
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

}  // namespace

void sum_squares(std::span<const float> x, std::span<double> row_sums,
                 std::span<double> column_sums) {
    AOCQ_EXPECT(x.size() == row_sums.size() * column_sums.size());
    const auto columns = static_cast<std::int64_t>(column_sums.size());
    for (std::size_t r = 0; r < row_sums.size(); ++r)
        row_sums[r] = add_row(x.data() + r * column_sums.size(), column_sums.data(), columns);
}

}  // namespace aocq::quant
