// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/Error.hpp"
#include "core/Random.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

constexpr Symmetry both[] = {Symmetry::symmetric, Symmetry::asymmetric};

TEST(Grid, AsymmetricGridOfZeroTo255IsTheIntegers) {
    const Grid grid = grid_from_range(0.0F, 255.0F, 8, Symmetry::asymmetric);
    EXPECT_EQ(grid, (Grid{1.0F, 0}));
    EXPECT_EQ(range_of(grid, 8), (Range{0.0F, 255.0F}));
}

TEST(Grid, AsymmetricZeroPointIsTheRoundedLowEnd) {
    EXPECT_EQ(grid_from_range(-5.0F, 10.0F, 4, Symmetry::asymmetric), (Grid{1.0F, 5}));
    EXPECT_EQ(grid_from_range(-15.0F, 0.0F, 4, Symmetry::asymmetric), (Grid{1.0F, 15}));
}

TEST(Grid, SymmetricGridHasItsZeroInTheMiddle) {
    for (int bits = 2; bits <= 8; ++bits) {
        const float top = static_cast<float>(1 << (bits - 1)) - 0.5F;
        EXPECT_EQ(grid_from_range(-top, 0.1F, bits, Symmetry::symmetric),
                  (Grid{1.0F, 1 << (bits - 1)}));
        EXPECT_EQ(grid_from_range(0.0F, top, bits, Symmetry::symmetric),
                  (Grid{1.0F, 1 << (bits - 1)}));
    }
}

TEST(Grid, RangeIsExtendedToContainZero) {
    for (const Symmetry symmetry : both) {
        EXPECT_EQ(grid_from_range(3.0F, 7.0F, 4, symmetry),
                  grid_from_range(0.0F, 7.0F, 4, symmetry));
        EXPECT_EQ(grid_from_range(-7.0F, -3.0F, 4, symmetry),
                  grid_from_range(-7.0F, 0.0F, 4, symmetry));
    }
}

TEST(Grid, EveryValueOfTheRangeIsAtMostHalfAStepOff) {
    RandomStream stream(RandomKey(11));
    for (int trial = 0; trial < 2000; ++trial) {
        const int bits = 2 + static_cast<int>(stream.below(7));
        const Symmetry symmetry = both[stream.below(2)];
        const double size = std::exp2(stream.uniform(-30.0, 30.0));
        const auto low = static_cast<float>(-size * stream.uniform());
        const auto high = static_cast<float>(size * stream.uniform());
        const Grid grid = grid_from_range(low, high, bits, symmetry);
        for (const double at : {0.0, 0.1, 0.5, 0.77, 1.0}) {
            const auto x = static_cast<float>(low + at * (double{high} - low));
            const float error = std::abs(x - reference::fake_quant(x, grid, bits));
            EXPECT_LE(error, 0.50001F * grid.scale)
                << low << " " << high << " " << bits << " x " << x;
        }
    }
}

TEST(Grid, ScaleAndItsInverseAreNormalForAnyRange) {
    const float max = std::numeric_limits<float>::max();
    const float tiny = std::numeric_limits<float>::denorm_min();
    for (const Symmetry symmetry : both) {
        for (int bits = 2; bits <= max_bits; ++bits) {
            for (const auto& [low, high] : {std::pair{0.0F, 0.0F},
                                            {-0.0F, 0.0F},
                                            {0.0F, tiny},
                                            {-tiny, tiny},
                                            {-max, max},
                                            {0.0F, max},
                                            {1e-40F, 1e-38F}}) {
                const Grid grid = grid_from_range(low, high, bits, symmetry);
                EXPECT_TRUE(std::isnormal(grid.scale)) << low << " " << high;
                EXPECT_TRUE(std::isnormal(1.0F / grid.scale)) << low << " " << high;
                EXPECT_GE(grid.zero_point, 0);
                EXPECT_LE(grid.zero_point, largest_code(bits));
                EXPECT_TRUE(std::isfinite(range_of(grid, bits).low));
                EXPECT_TRUE(std::isfinite(range_of(grid, bits).high));
            }
        }
    }
    EXPECT_EQ(grid_from_range(0.0F, 0.0F, 8, Symmetry::asymmetric).scale, 1.0F);
    EXPECT_EQ(grid_from_range(0.0F, 0.0F, 8, Symmetry::symmetric).scale, 1.0F);
}

TEST(Grid, RangeThatIsNotFiniteIsANumericError) {
    const float inf = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const auto& [low, high] : {std::pair{0.0F, inf}, {-inf, 0.0F}, {nan, 1.0F}, {0.0F, nan}}) {
        try {
            grid_from_range(low, high, 8, Symmetry::asymmetric);
            ADD_FAILURE() << low << " " << high;
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::numeric);
        }
    }
}

TEST(Grid, NamesOfSymmetriesGoBothWays) {
    EXPECT_EQ(symmetry_names.find("asymmetric"), Symmetry::asymmetric);
    EXPECT_EQ(symmetry_names.name(Symmetry::symmetric), "symmetric");
}

}  // namespace
}  // namespace aocq::quant
