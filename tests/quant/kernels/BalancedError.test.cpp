// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/BalancedError.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "quant/kernels/FakeQuant.hpp"
#include "quant/kernels/Values.hpp"

namespace aocq::quant {
namespace {

constexpr std::size_t rows = 9, columns = 21;

struct Sample {
    std::vector<float> x = test::normal_values("x", rows* columns, 2.0, 0.5);
    std::vector<float> shift = test::normal_values("shift", columns);
    std::vector<float> scale = test::normal_values("scale", columns);
    std::vector<float> factors = test::normal_values("rows", rows);

    Sample() {
        for (float& s : scale) s = std::exp2(s);
        for (float& f : factors) f = std::abs(f);
    }
};

TEST(BalancedError, IsTheScaledErrorOfTheFakeQuantizedBalancedValues) {
    const Sample s;
    for (const int bits : {2, 4, 8, 16}) {
        const Grid grid = grid_from_range(-3.0F, 5.0F, bits, Symmetry::asymmetric);
        std::vector<float> balanced(s.x.size()), rounded(s.x.size()), error(s.x.size());
        for (std::size_t i = 0; i < s.x.size(); ++i) {
            const std::size_t c = i % columns;
            balanced[i] = (s.x[i] - s.shift[c]) * (1.0F / s.scale[c]);
        }
        const std::vector<Grid> grids{grid};
        fake_quant(balanced, rounded, {1, 1, static_cast<std::int64_t>(s.x.size())}, grids, bits);
        balanced_error(s.x, error, {s.shift, s.scale}, s.factors, grid, bits);
        for (std::size_t i = 0; i < s.x.size(); ++i) {
            const float expected =
                (rounded[i] - balanced[i]) * (s.scale[i % columns] * s.factors[i / columns]);
            ASSERT_EQ(error[i], expected) << bits << " " << i;
        }
    }
}

TEST(BalancedError, MayOverwriteItsInput) {
    Sample s;
    const Grid grid = grid_from_range(-3.0F, 5.0F, 4, Symmetry::asymmetric);
    std::vector<float> apart(s.x.size());
    balanced_error(s.x, apart, {s.shift, s.scale}, s.factors, grid, 4);
    balanced_error(s.x, s.x, {s.shift, s.scale}, s.factors, grid, 4);
    EXPECT_EQ(s.x, apart);
}

}  // namespace
}  // namespace aocq::quant
