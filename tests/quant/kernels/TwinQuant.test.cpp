// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/TwinQuant.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

std::vector<TwinGrid> grids(int bits) {
    std::vector<TwinGrid> all{twin_of_signs(-0.1F, 3.0F, bits), twin_of_signs(-2.0F, 0.5F, bits)};
    for (const int split : {0, 1, 3, 7, 19}) all.push_back(twin_of_probabilities(split, bits));
    return all;
}

// Ties of both grids with their neighbours, the border, the edges of float, random bits.
std::vector<float> interesting(const TwinGrid& grid, int bits) {
    std::vector<float> values = test::edge_values(grid.lower, bits - 1);
    for (const float v : test::edge_values(grid.upper, bits - 1)) values.push_back(v);
    const float border = twin_border(grid, bits).border;
    for (const float v : {border, std::nextafter(border, -9.0F), std::nextafter(border, 9.0F)})
        values.push_back(v);
    for (const float v : test::normal_values("twin", 4000)) values.push_back(v);
    RandomStream stream(RandomKey(5).child("twin"));
    for (int i = 0; i < 4000; ++i) values.push_back(static_cast<float>(stream.uniform()));
    for (int i = 0; i < 4000; ++i) values.push_back(std::bit_cast<float>(stream.bits()));
    return values;
}

std::vector<float> quantized(const std::vector<float>& x, const TwinGrid& grid, int bits,
                             TwinJoin join = TwinJoin::disjoint) {
    std::vector<float> y(x.size());
    fake_quant_twin(x, y, grid, bits, join);
    return y;
}

TEST(TwinQuant, EqualsTheReferenceBitByBit) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const TwinGrid& grid : grids(bits)) {
            for (const TwinJoin join : {TwinJoin::disjoint, TwinJoin::added}) {
                if (join == TwinJoin::added && grid.lower.zero_point != 0) continue;
                std::vector<float> x = interesting(grid, bits), wanted;
                for (const float v : x)
                    wanted.push_back(reference::fake_quant_twin(v, grid, bits, join));
                const std::int64_t at =
                    test::first_difference(quantized(x, grid, bits, join), wanted);
                ASSERT_EQ(at, -1) << x[static_cast<std::size_t>(at)] << " bits " << bits;
                fake_quant_twin(x, x, grid, bits, join);
                ASSERT_EQ(test::first_difference(x, wanted), -1);
            }
        }
    }
}

// In double among all levels. Near a tie the rounding of x / scale to float32 may decide.
TEST(TwinQuant, GoesToTheNearestLevelOfBothGrids) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const TwinGrid& grid : grids(bits)) {
            const std::vector<float> x = interesting(grid, bits), y = quantized(x, grid, bits);
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (!std::isfinite(x[i])) continue;
                const double nearest = reference::nearest_twin_level(x[i], grid, bits);
                const double least = std::abs(nearest - double{x[i]});
                ASSERT_LE(std::abs(double{y[i]} - double{x[i]}),
                          least + 5e-7 * std::abs(double{x[i]}))
                    << x[i] << " bits " << bits;
            }
        }
    }
}

TEST(TwinQuant, IsMonotoneAndIdempotent) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const TwinGrid& grid : grids(bits)) {
            std::vector<float> x = interesting(grid, bits);
            std::erase_if(x, [](float v) { return std::isnan(v); });
            std::sort(x.begin(), x.end());
            const std::vector<float> y = quantized(x, grid, bits);
            for (std::size_t i = 1; i < y.size(); ++i) ASSERT_LE(y[i - 1], y[i]) << x[i];
            ASSERT_EQ(test::first_difference(quantized(y, grid, bits), y), -1) << bits;
        }
    }
}

TEST(TwinQuant, ZeroStaysZeroAndNaNStaysNaN) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (int bits = 2; bits <= 8; ++bits) {
        for (const TwinGrid& grid : grids(bits)) {
            const std::vector<float> y = quantized({0.0F, -0.0F, nan}, grid, bits);
            EXPECT_TRUE(test::same_bits(y[0], 0.0F) && test::same_bits(y[1], 0.0F)) << bits;
            EXPECT_TRUE(std::isnan(y[2]));
        }
    }
}

TEST(TwinQuant, CodesReproduceTheValuesWithinTheirRange) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const TwinGrid& grid : grids(bits)) {
            std::vector<float> x = interesting(grid, bits);
            std::erase_if(x, [](float v) { return std::isnan(v); });
            std::vector<std::uint8_t> codes(x.size());
            quantize_twin_codes(x, grid, bits, codes);
            for (const std::uint8_t code : codes) ASSERT_LE(code, largest_code(bits));
            std::vector<float> y(x.size());
            dequantize_twin(codes, grid, bits, y);
            ASSERT_EQ(test::first_difference(y, quantized(x, grid, bits)), -1) << bits;
        }
    }
}

TEST(TwinQuant, SignsHaveTheLevelsOfTheReleasedGelu) {
    // 8 bits: 128 negative levels of 0.16997 / 128, zero and 127 positive ones.
    const TwinGrid grid = twin_of_signs(-0.15F, 2.0F, 8);
    const double step = 0.16997124254703522 / 128, wide = 2.0 / 127.5;
    const std::vector<float> y =
        quantized({-9.0F, -0.1F, static_cast<float>(-0.4 * step), 1.0F, 9.0F}, grid, 8);
    EXPECT_NEAR(y[0], -128 * step, 1e-7);
    EXPECT_NEAR(y[1], std::nearbyint(-0.1 / step) * step, 1e-7);
    EXPECT_EQ(y[2], 0.0F);
    EXPECT_NEAR(y[3], std::nearbyint(1.0 / wide) * wide, 1e-6);
    EXPECT_NEAR(y[4], 127 * wide, 1e-6);
}

TEST(TwinQuant, AddedPartsShiftWhatLiesAboveTheSplit) {
    const TwinGrid grid = twin_of_probabilities(3, 8);
    const std::vector<float> x{0.5F, 0.9F, 0.3F};
    const std::vector<float> right = quantized(x, grid, 8),
                             added = quantized(x, grid, 8, TwinJoin::added);
    for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(right[i], x[i], 0.5 / 127 + 1e-6);
        EXPECT_NEAR(added[i] - right[i], 0.125, 1e-6);
    }
}

TEST(TwinQuant, FitPrefersAFineLowerGridForSmallProbabilities) {
    std::vector<float> x;
    for (int i = 1; i <= 500; ++i) x.push_back(1e-5F * static_cast<float>(i));  // up to 0.005
    x.push_back(0.9F);
    const TwinGrid grid = fit_twin_of_probabilities(x, 4);
    EXPECT_EQ(grid, twin_of_probabilities(7, 4));  // 2^-7 = 0.0078 holds them all
}

}  // namespace
}  // namespace aocq::quant
