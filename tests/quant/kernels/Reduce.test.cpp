// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Reduce.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

TEST(Reduce, ExtremesEqualTheStandardLibrarysForEverySize) {
    for (std::size_t n = 1; n <= 70; ++n) {
        const auto x = test::normal_values("extremes", n, 5.0, static_cast<double>(n) - 35.0);
        const Range range = min_max(x);
        EXPECT_EQ(range.low, *std::min_element(x.begin(), x.end()));
        EXPECT_EQ(range.high, *std::max_element(x.begin(), x.end()));
        EXPECT_EQ(abs_max(x), std::max(std::abs(range.low), std::abs(range.high)));
    }
}

TEST(Reduce, ExtremesShowEveryValueThatIsNotFinite) {
    const float inf = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const float bad : {inf, -inf, nan, -nan}) {
        for (std::size_t at = 0; at < 40; ++at) {
            auto x = test::normal_values("bad", 40);
            x[at] = bad;
            const Range range = min_max(x);
            EXPECT_FALSE(std::isfinite(range.low) && std::isfinite(range.high));
            EXPECT_FALSE(std::isfinite(abs_max(x)));
        }
    }
    EXPECT_EQ(min_max({}), Range{});
}

TEST(Reduce, SumsEqualTwoPassesInDouble) {
    for (std::size_t n = 1; n <= 70; ++n) {
        const auto x = test::normal_values("sums", n, 1.0, 1000.0);
        const reference::Moments wanted = reference::moments(x);
        const double mean = sum(x) / static_cast<double>(n);
        EXPECT_NEAR(mean, wanted.mean, 1e-10);
        EXPECT_NEAR(sum_of_squares(x, mean), wanted.m2, 1e-9 * (1.0 + wanted.m2));
    }
}

TEST(Reduce, GridErrorEqualsTheReferenceForBothPowers) {
    for (const double power : {2.0, 2.4, 1.0}) {
        for (int bits = 2; bits <= 8; ++bits) {
            for (const std::size_t n :
                 {std::size_t{0}, std::size_t{3}, std::size_t{8}, std::size_t{1001}}) {
                const auto x = test::normal_values("errors", n);
                const Grid grid = grid_from_range(-1.5F, 2.0F, bits, Symmetry::asymmetric);
                const double wanted = reference::grid_error(x, grid, bits, power);
                EXPECT_NEAR(grid_error(x, grid, bits, power), wanted, 1e-5 * wanted);
            }
        }
    }
}

}  // namespace
}  // namespace aocq::quant
