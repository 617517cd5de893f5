// SPDX-License-Identifier: Apache-2.0
// Fast paths against the scalar reference, bit by bit.
#include "quant/kernels/FakeQuant.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

using test::first_difference;
using test::normal_values;

constexpr Symmetry both[] = {Symmetry::symmetric, Symmetry::asymmetric};

std::vector<Grid> random_grids(std::int64_t n, int bits, std::uint64_t seed) {
    RandomStream stream(RandomKey(seed).child("grids"));
    std::vector<Grid> grids;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto low = static_cast<float>(-3.0 * stream.uniform());
        const auto high = static_cast<float>(3.0 * stream.uniform());
        grids.push_back(grid_from_range(low, high, bits, both[stream.below(2)]));
    }
    return grids;
}

std::vector<float> by_reference(const std::vector<float>& x, const Layout& layout,
                                const std::vector<Grid>& grids, int bits) {
    std::vector<float> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const Grid& grid = reference::grid_at(static_cast<std::int64_t>(i), layout, grids);
        y[i] = reference::fake_quant(x[i], grid, bits);
    }
    return y;
}

// Fake quantization (apart and in place), codes and their values, all against the reference.
void expect_all_equal(const std::vector<float>& x, const Layout& layout,
                      const std::vector<Grid>& grids, int bits) {
    const std::vector<float> wanted = by_reference(x, layout, grids, bits);
    std::vector<float> y(x.size(), -77.0F);
    fake_quant(x, y, layout, grids, bits);
    ASSERT_EQ(first_difference(y, wanted), -1);
    std::vector<float> in_place = x;
    fake_quant(in_place, in_place, layout, grids, bits);
    ASSERT_EQ(first_difference(in_place, wanted), -1);
    if (bits > max_code_bits) return;
    std::vector<std::uint8_t> codes(x.size(), 99);
    quantize_codes(x, layout, grids, bits, codes);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const Grid& grid = reference::grid_at(static_cast<std::int64_t>(i), layout, grids);
        ASSERT_EQ(codes[i], reference::code(x[i], grid, bits).value_or(0)) << x[i];
    }
    dequantize(codes, layout, grids, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) continue;
        ASSERT_TRUE(test::same_bits(y[i], wanted[i])) << x[i];
    }
}

TEST(FakeQuant, EqualsTheReferenceAtTiesAndEdges) {
    for (int bits = 2; bits <= max_bits; ++bits) {
        for (const Symmetry symmetry : both) {
            for (const auto& [low, high] : {std::pair{-1.0F, 3.0F},
                                            {0.0F, 0.7F},
                                            {-1e-3F, 0.0F},
                                            {-15.0F, 16.0F},
                                            {-1e30F, 1e30F},
                                            {0.0F, 1e-44F},
                                            {-3e38F, 3e38F},
                                            {0.0F, 0.0F}}) {
                const Grid grid = grid_from_range(low, high, bits, symmetry);
                const std::vector<float> x = test::edge_values(grid, bits);
                const auto n = static_cast<std::int64_t>(x.size());
                expect_all_equal(x, Layout::per_tensor(n), {grid}, bits);
            }
        }
    }
}

TEST(FakeQuant, EqualsTheReferenceForEveryBitWidthAndOddSize) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (std::int64_t n = 0; n <= 70; ++n) {
            const auto x = normal_values("sizes", static_cast<std::size_t>(n), 2.0);
            expect_all_equal(x, Layout::per_tensor(n), random_grids(1, bits, 100 * n + bits), bits);
        }
    }
}

TEST(FakeQuant, EqualsTheReferenceForEveryLayout) {
    const Layout layouts[] = {
        {1, 1, 1000},   {7, 1, 33},                // per tensor
        {19, 37, 1},    {3, 5000, 1}, {1, 13, 1},  // last axis, also wider than one block
        {2, 3, 17 * 8}, {5, 6, 16},   {2, 3, 15},  // heads
        {1, 48, 64},    {1, 48, 65},               // output channels
        {1, 700, 8},    {2, 600, 7},               // groups
        {0, 4, 4},      {4, 0, 4},    {4, 4, 0},   // empty
    };
    for (const Layout& layout : layouts) {
        for (const int bits : {2, 3, 4, 6, 8}) {
            const auto x = normal_values("layouts", static_cast<std::size_t>(layout.size()), 1.5);
            expect_all_equal(x, layout, random_grids(layout.channels, bits, 5), bits);
        }
    }
}

// Ranges as they are, zero outside (RepQ-ViT's channels).
TEST(FakeQuant, EqualsTheReferenceWhereTheZeroPointIsNoCode) {
    for (int bits = 2; bits <= 8; ++bits) {
        const std::vector<Grid> grids{{0.125F, -40}, {0.5F, 1000}, {0.03F, -1}, {0.25F, 1 << bits}};
        std::vector<float> x;
        for (const Grid& grid : grids) {
            for (int i = -3; i <= 3 + (2 << bits); ++i) {
                const auto steps = static_cast<float>(i - 2 * grid.zero_point) * 0.5F;
                x.push_back(steps * grid.scale);
            }
        }
        const auto count = static_cast<std::int64_t>(grids.size());
        expect_all_equal(x, {1, count, static_cast<std::int64_t>(x.size()) / count}, grids, bits);
    }
}

TEST(FakeQuant, EqualsTheReferenceOnRandomBitPatterns) {
    RandomStream stream(RandomKey(3).child("patterns"));
    std::vector<float> x(20000);
    for (float& v : x) v = std::bit_cast<float>(stream.bits());
    for (const int bits : {2, 5, 8}) {
        expect_all_equal(x, Layout{100, 20, 10}, random_grids(20, bits, 9), bits);
        expect_all_equal(x, Layout{1, 20, 1000}, random_grids(20, bits, 9), bits);
    }
}

TEST(FakeQuant, IsIdempotentMonotoneAndKeepsZero) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const Grid& grid : random_grids(20, bits, 77)) {
            std::vector<float> x = normal_values("monotone", 500, 2.0);
            x.push_back(0.0F);
            std::sort(x.begin(), x.end());
            const Layout layout = Layout::per_tensor(501);
            std::vector<float> once(x.size());
            std::vector<float> twice(x.size());
            fake_quant(x, once, layout, std::span(&grid, 1), bits);
            fake_quant(once, twice, layout, std::span(&grid, 1), bits);
            EXPECT_EQ(first_difference(once, twice), -1);
            EXPECT_TRUE(std::is_sorted(once.begin(), once.end()));
            const auto zero =
                static_cast<std::size_t>(std::find(x.begin(), x.end(), 0.0F) - x.begin());
            EXPECT_TRUE(test::same_bits(once[zero], 0.0F));
        }
    }
}

TEST(FakeQuant, CodesStayWithinTheirBits) {
    const auto x = normal_values("codes", 4000, 100.0);
    for (int bits = 2; bits <= 8; ++bits) {
        std::vector<std::uint8_t> codes(x.size());
        const auto grids = random_grids(1, bits, 21);
        quantize_codes(x, Layout::per_tensor(4000), grids, bits, codes);
        EXPECT_EQ(*std::min_element(codes.begin(), codes.end()), 0);
        EXPECT_EQ(*std::max_element(codes.begin(), codes.end()), largest_code(bits));
    }
}

TEST(FakeQuantDynamic, GivesEveryRowTheGridOfItsOwnRange) {
    for (const Symmetry symmetry : both) {
        for (const std::size_t columns :
             {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{193}}) {
            const std::size_t rows = 11;
            std::vector<float> x = normal_values("dynamic", rows * columns);
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (i / columns == 0) x[i] = 0.0F;
                if (i / columns == 1) x[i] = std::abs(x[i]) + 2.0F;
            }
            std::vector<float> wanted;
            for (std::size_t row = 0; row < rows; ++row) {
                const std::span values(x.data() + row * columns, columns);
                const auto [low, high] = std::minmax_element(values.begin(), values.end());
                const Grid grid = grid_from_range(*low, *high, 6, symmetry);
                for (const float v : values) wanted.push_back(reference::fake_quant(v, grid, 6));
            }
            std::vector<float> y(x.size());
            fake_quant_dynamic(x, y, static_cast<std::int64_t>(columns), 6, symmetry);
            EXPECT_EQ(first_difference(y, wanted), -1);
            fake_quant_dynamic(x, x, static_cast<std::int64_t>(columns), 6, symmetry);
            EXPECT_EQ(first_difference(x, wanted), -1);
        }
    }
}

TEST(FakeQuantDynamic, TurnsARowWithAValueThatIsNotFiniteIntoNanAndNoOther) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
          std::numeric_limits<float>::infinity()}) {
        std::vector<float> x = normal_values("bad row", 3 * 40);
        x[57] = bad;
        fake_quant_dynamic(x, x, 40, 8, Symmetry::asymmetric);
        for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(x[i]), i / 40 == 1) << i;
    }
}

}  // namespace
}  // namespace aocq::quant
