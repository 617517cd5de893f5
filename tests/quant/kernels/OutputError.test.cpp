// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/OutputError.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "quant/kernels/Values.hpp"

namespace aocq::quant {
namespace {

struct Shape {
    std::size_t rows, columns;
};
// Whole and partial tiles of rows and columns.
const std::vector<Shape> shapes{{1, 1}, {3, 5}, {32, 16}, {70, 37}, {197, 64}};

TEST(OutputError, SumsEqualThoseInDouble) {
    for (const auto& [rows, columns] : shapes) {
        const std::vector<float> o = test::normal_values("o", rows * columns);
        const std::vector<float> e = test::normal_values("e", rows * columns, 0.1, 0.05);
        const std::vector<float> g = test::normal_values("g", rows * columns);
        std::vector<float> p(o);
        for (std::size_t i = 0; i < p.size(); ++i) p[i] += e[i];
        std::vector<double> d(columns, 1.0), od(columns), dd(columns), weighted(columns, 2.0);
        add_differences(o, p, {d, od, dd});
        add_weighted_errors(o, p, g, weighted);
        for (std::size_t c = 0; c < columns; ++c) {
            double wanted[4] = {1.0, 0, 0, 2.0};
            for (std::size_t i = c; i < o.size(); i += columns) {
                const double difference = double{p[i]} - double{o[i]};
                wanted[0] += difference;
                wanted[1] += o[i] * difference;
                wanted[2] += difference * difference;
                wanted[3] += g[i] * difference * g[i] * difference;
            }
            EXPECT_NEAR(d[c], wanted[0], 2e-5);
            EXPECT_NEAR(od[c], wanted[1], 2e-5);
            EXPECT_NEAR(dd[c], wanted[2], 1e-5 * wanted[2]);
            EXPECT_NEAR(weighted[c], wanted[3], 1e-5 * wanted[3]);
        }
    }
}

TEST(OutputError, RankLossEqualsTheFormula) {
    const std::size_t rows = 3, columns = 21;
    std::vector<float> a = test::normal_values("a", rows * columns);
    a[1] = a[0];  // neither is larger: the whole margin
    const std::vector<float> p = test::normal_values("p", rows * columns);
    double wanted = 0;
    for (std::size_t k = 0; k < rows; ++k) {
        for (std::size_t i = 0; i < columns; ++i) {
            for (std::size_t j = i + 1; j < columns; ++j) {
                const double order = double{a[k * columns + i]} - double{a[k * columns + j]};
                const double found = double{p[k * columns + i]} - double{p[k * columns + j]};
                const int sign = (order > 0) - (order < 0);
                wanted += std::max(0.0, 0.2 - found * sign);
            }
        }
    }
    wanted /= static_cast<double>(rows) * 0.5 * columns * (columns - 1);
    EXPECT_NEAR(rank_loss(a, p, static_cast<std::int64_t>(columns), 0.2F), wanted, 1e-6 * wanted);
    std::vector<float> spread;
    for (int i = 0; i < 21; ++i) spread.push_back(static_cast<float>(i));
    EXPECT_EQ(rank_loss(spread, spread, 21, 0.2F), 0.0);
}

}  // namespace
}  // namespace aocq::quant
