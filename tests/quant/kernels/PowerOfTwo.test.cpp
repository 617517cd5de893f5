// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/PowerOfTwo.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

TEST(PowerOfTwo, StepsDoubleUpToTheRangesOwnAndShareAZeroPoint) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const Symmetry symmetry : {Symmetry::asymmetric, Symmetry::symmetric}) {
            const auto grids =
                power_of_two_grids({-3.1F, 7.4F}, bits, symmetry, 3, ZeroFrom::widest);
            ASSERT_EQ(grids.size(), 4U);
            EXPECT_EQ(grids.back(), grid_from_range(-3.1F, 7.4F, bits, symmetry));
            for (std::size_t k = 1; k < grids.size(); ++k) {
                EXPECT_EQ(grids[k].scale, 2 * grids[k - 1].scale);
                EXPECT_EQ(grids[k].zero_point, grids[0].zero_point);
            }
        }
    }
}

// -0.5 / (8 / 255 / 8) = -127.5 in steps of the finest; in the widest, -15.9.
TEST(PowerOfTwo, ZeroPointIsCountedInTheWidestOrTheFinestStep) {
    const Range range{-0.5F, 7.5F};
    EXPECT_EQ(power_of_two_grids(range, 8, Symmetry::asymmetric, 3, ZeroFrom::widest)[0].zero_point,
              16);
    const auto finest = power_of_two_grids(range, 8, Symmetry::asymmetric, 3, ZeroFrom::finest);
    for (const Grid& grid : finest) EXPECT_NEAR(grid.zero_point, 127.5, 0.51);
    // A balanced range leaves the codes there.
    EXPECT_EQ(
        power_of_two_grids({-4, 4}, 8, Symmetry::asymmetric, 3, ZeroFrom::finest)[0].zero_point,
        255);
}

TEST(PowerOfTwo, EveryStepIsNearestMonotoneAndIdempotentWithinItsCodes) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const ZeroFrom zero : {ZeroFrom::widest, ZeroFrom::finest}) {
            for (const Grid& grid :
                 power_of_two_grids({-3.1F, 7.4F}, bits, Symmetry::asymmetric, 3, zero)) {
                EXPECT_EQ(reference::fake_quant(0.0F, grid, bits), 0.0F);
                float last = -1e30F;
                for (int i = -4000; i <= 4000; ++i) {
                    const float x = 0.0025F * static_cast<float>(i);
                    const float y = reference::fake_quant(x, grid, bits);
                    ASSERT_GE(y, last);
                    last = y;
                    ASSERT_EQ(reference::fake_quant(y, grid, bits), y);
                    const auto code = reference::code(x, grid, bits);
                    ASSERT_TRUE(code && *code >= 0 && *code <= largest_code(bits));
                    // In double: no other level is nearer.
                    const double place = double{x} / grid.scale + grid.zero_point;
                    const double wanted =
                        std::clamp(std::nearbyint(place), 0.0, double(largest_code(bits)));
                    ASSERT_LE(std::abs(*code - wanted),
                              1e-4 > std::abs(place - std::floor(place) - 0.5) ? 1.0 : 0.0);
                }
            }
        }
    }
}

TEST(PowerOfTwo, OneGridWithoutFactorsIsTheRangesOwn) {
    for (const ZeroFrom zero : {ZeroFrom::widest, ZeroFrom::finest}) {
        const auto grids = power_of_two_grids({-1, 2}, 6, Symmetry::asymmetric, 0, zero);
        ASSERT_EQ(grids.size(), 1U);
        EXPECT_EQ(grids[0], grid_from_range(-1, 2, 6, Symmetry::asymmetric));
    }
}

TEST(PowerOfTwo, EmptyAndTinyRangesStayUsable) {
    for (const Range range : {Range{0, 0}, Range{-1e-38F, 1e-38F}}) {
        for (const Grid& grid :
             power_of_two_grids(range, 8, Symmetry::asymmetric, 8, ZeroFrom::widest)) {
            EXPECT_GE(grid.scale, 0x1p-126F);
            EXPECT_EQ(reference::fake_quant(0.0F, grid, 8), 0.0F);
        }
    }
}

// A channel that fills 1/2^k of the range is best served by the step that fits it.
TEST(PowerOfTwo, NarrowChannelsAreServedByFinerSteps) {
    const Grid widest = grid_from_range(-8, 8, 8, Symmetry::asymmetric);
    for (int k = 0; k <= 3; ++k) {
        const double width = 7.9 * std::exp2(k - 3);
        std::vector<float> channel(500);
        RandomStream stream(RandomKey(3).child("channel"));
        for (float& v : channel) v = static_cast<float>((2 * stream.uniform() - 1) * width);
        EXPECT_EQ(reference::power_of_two_factor(channel, widest, 8, 3), k);
    }
}

}  // namespace
}  // namespace aocq::quant
