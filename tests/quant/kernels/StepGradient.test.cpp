// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/StepGradient.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "quant/kernels/FakeQuant.hpp"
#include "quant/kernels/Values.hpp"

namespace aocq::quant {
namespace {

struct Slopes {
    std::vector<double> gx, scale, zero;
};

// The published rule, value by value in double precision.
Slopes reference(const std::vector<float>& x, const std::vector<float>& gy,
                 const std::vector<std::uint8_t>& kept, const Layout& layout,
                 const std::vector<Grid>& grids, int bits) {
    Slopes all{std::vector<double>(x.size()), std::vector<double>(grids.size()),
               std::vector<double>(grids.size())};
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto c =
            static_cast<std::size_t>(static_cast<std::int64_t>(i) / layout.inner % layout.channels);
        const double s = grids[c].scale, z = grids[c].zero_point, g = gy[i];
        const double top = largest_code(bits), position = x[i] / s + z;
        if (!kept.empty() && kept[i] != 0) {
            all.gx[i] = g;
        } else if (position < 0 || position > top) {
            all.scale[c] += g * ((position < 0 ? 0 : top) - z);
            all.zero[c] -= g * s;
        } else {
            all.gx[i] = g;
            all.scale[c] += g * (std::nearbyint(x[i] / s) - x[i] / s);
        }
    }
    return all;
}

class StepGradient : public ::testing::TestWithParam<int> {};

TEST_P(StepGradient, IsThePublishedRuleForEveryLayout) {
    const int bits = GetParam();
    for (const Layout layout : {Layout{1, 1, 5003}, Layout{7, 1, 33}, Layout{3, 5, 41},
                                Layout{19, 6, 1}, Layout{1, 8, 16}}) {
        const auto size = static_cast<std::size_t>(layout.size());
        const auto x = test::normal_values("x", size, 1.0);
        const auto gy = test::normal_values("gy", size, 0.3);
        std::vector<Grid> grids;
        for (std::int64_t c = 0; c < layout.channels; ++c)
            grids.push_back(grid_from_range(-0.7F - 0.1F * static_cast<float>(c), 1.1F, bits,
                                            Symmetry::asymmetric));
        std::vector<std::uint8_t> some(size);
        draw_kept(RandomKey(5), 0.4, some);
        for (const auto& kept : {std::vector<std::uint8_t>{}, some}) {
            const Slopes expected = reference(x, gy, kept, layout, grids, bits);
            std::vector<float> gx(size);
            std::vector<StepSlopes> slopes(grids.size());
            fake_quant_gradient(x, gy, kept, gx, layout, grids, bits, slopes);
            for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(gx[i], expected.gx[i]) << i;
            for (std::size_t c = 0; c < grids.size(); ++c) {
                const double far = largest_code(bits) * std::sqrt(static_cast<double>(size));
                EXPECT_NEAR(slopes[c].scale, expected.scale[c], 2e-6 * far);
                EXPECT_NEAR(slopes[c].zero, expected.zero[c],
                            2e-6 * std::abs(expected.zero[c]) + 1e-6);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Bits, StepGradient, ::testing::Range(2, 9));

TEST(StepGradientMasks, KeptValuesStayAndOthersDoNot) {
    const auto x = test::normal_values("x", 1000, 1.0);
    std::vector<std::uint8_t> kept(x.size());
    draw_kept(RandomKey(1), 0.5, kept);
    std::vector<float> y(x.size(), 9.0F);
    keep_values(x, kept, y);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], kept[i] != 0 ? x[i] : 9.0F);
}

TEST(StepGradientMasks, HaveTheWantedShareAndDependOnKeyAndPositionOnly) {
    for (const double probability : {0.0, 0.25, 0.5, 1.0}) {
        std::vector<std::uint8_t> kept(100'000), shorter(777), other(100'000);
        draw_kept(RandomKey(1), probability, kept);
        draw_kept(RandomKey(1), probability, shorter);
        draw_kept(RandomKey(2), probability, other);
        EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), kept.begin()));
        EXPECT_EQ(kept == other, probability == 0.0 || probability == 1.0);
        const double share = std::accumulate(kept.begin(), kept.end(), 0.0) / 100'000;
        EXPECT_NEAR(share, probability, 0.006);
    }
}

}  // namespace
}  // namespace aocq::quant
