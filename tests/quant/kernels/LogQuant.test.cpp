// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/LogQuant.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

constexpr LogBase bases[] = {LogBase::two, LogBase::sqrt2};
constexpr LogZero zeros[] = {LogZero::beyond, LogZero::top};

// Every octave with all its thresholds and their neighbours, and the edges of float.
std::vector<float> interesting(float scale) {
    std::vector<float> values = test::edge_values({scale, 0}, 4);
    for (int eighth = -8 * 130; eighth <= 16; ++eighth) {
        const auto t = static_cast<float>(std::exp2(eighth / 8.0)) * scale;
        for (const float v : {t, std::nextafter(t, 0.0F), std::nextafter(t, 1e30F)}) {
            values.push_back(v);
        }
    }
    RandomStream stream(RandomKey(5).child("log"));
    for (int i = 0; i < 20000; ++i) values.push_back(std::bit_cast<float>(stream.bits()));
    return values;
}

TEST(LogQuant, EqualsTheReferenceBitByBit) {
    for (const LogBase base : bases) {
        for (const LogZero zero : zeros) {
            for (const float scale : {1.0F, 0.37F, 1e-20F, 3.0F}) {
                for (int bits = 2; bits <= 8; ++bits) {
                    const LogGrid grid{scale, base, zero};
                    std::vector<float> x = interesting(scale);
                    std::vector<float> wanted;
                    for (const float v : x)
                        wanted.push_back(reference::fake_quant_log(v, grid, bits));
                    std::vector<float> y(x.size());
                    fake_quant_log(x, y, grid, bits);
                    const std::int64_t at = test::first_difference(y, wanted);
                    ASSERT_EQ(at, -1) << x[static_cast<std::size_t>(at)] << " bits " << bits;
                    fake_quant_log(x, x, grid, bits);
                    ASSERT_EQ(test::first_difference(x, wanted), -1);
                }
            }
        }
    }
}

// xhat = scale 2^(-q/r), q = round(-r log2(x / scale)), in double.
TEST(LogQuant, IsTheRoundedLogarithmInDouble) {
    for (const LogBase base : bases) {
        const double r = base == LogBase::two ? 1 : 2;
        for (int bits = 2; bits <= 8; ++bits) {
            const LogGrid grid{0.37F, base, LogZero::beyond};
            std::vector<float> x = interesting(grid.scale), y(x.size());
            fake_quant_log(x, y, grid, bits);
            std::size_t compared = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double t = double{x[i]} / grid.scale;
                if (!(t >= 0x1p-125) || !std::isfinite(t)) continue;
                const double exact = -r * std::log2(t);
                if (std::abs(exact - std::floor(exact) - 0.5) < 1e-6)
                    continue;  // between two codes
                const double q = std::max(std::round(exact), 0.0);
                const double wanted = q < std::exp2(bits) ? grid.scale * std::exp2(-q / r) : 0.0;
                ASSERT_NEAR(double{y[i]}, wanted, 2e-7 * wanted) << x[i] << " bits " << bits;
                ++compared;
            }
            EXPECT_GT(compared, 2000U);
        }
    }
}

TEST(LogQuant, IsMonotoneAndIdempotentAndKeepsZero) {
    for (const LogBase base : bases) {
        for (const LogZero zero : zeros) {
            for (int bits = 2; bits <= 8; ++bits) {
                const LogGrid grid{0.37F, base, zero};
                std::vector<float> x = interesting(grid.scale);
                std::erase_if(x, [](float v) { return std::isnan(v); });
                std::sort(x.begin(), x.end());
                std::vector<float> once(x.size());
                fake_quant_log(x, once, grid, bits);
                EXPECT_TRUE(std::is_sorted(once.begin(), once.end()));
                EXPECT_EQ(once.front(), 0.0F);  // of a negative value
                EXPECT_EQ(once.back(), grid.scale);
                std::vector<float> twice(x.size());
                fake_quant_log(once, twice, grid, bits);
                EXPECT_EQ(test::first_difference(twice, once), -1);
                // As many values as there are codes, and the zero beyond them.
                once.erase(std::unique(once.begin(), once.end()), once.end());
                const std::size_t most =
                    (std::size_t{1} << bits) + (zero == LogZero::beyond ? 1 : 0);
                EXPECT_LE(once.size(), most);
                if (bits <= 6) {
                    EXPECT_EQ(once.size(), most);
                }
            }
        }
    }
}

TEST(LogQuant, CodesReproduceTheValuesWhereTheTopCodeIsZero) {
    for (const LogBase base : bases) {
        for (int bits = 2; bits <= 8; ++bits) {
            const LogGrid grid{0.9F, base, LogZero::top};
            const std::vector<float> x = interesting(grid.scale);
            std::vector<float> wanted(x.size());
            fake_quant_log(x, wanted, grid, bits);
            std::vector<std::uint8_t> codes(x.size());
            quantize_log_codes(x, grid, bits, codes);
            std::vector<float> y(x.size());
            dequantize_log(codes, grid, bits, y);
            for (std::size_t i = 0; i < x.size(); ++i) {
                ASSERT_LE(codes[i], largest_code(bits));
                if (std::isnan(x[i])) continue;
                ASSERT_TRUE(test::same_bits(y[i], wanted[i])) << x[i];
            }
        }
    }
}

TEST(LogQuant, FourBitsKeepPowersOfTwoDownToTheLastCode) {
    std::vector<float> x{1.0F, 0.5F, 0x1p-14F, 0x1p-15F, 0x1p-16F, 0.75F, 0.70F, 2.0F, 0.0F, -1.0F};
    std::vector<float> y(x.size());
    fake_quant_log(x, y, {1.0F, LogBase::two, LogZero::beyond}, 4);
    EXPECT_EQ(y, (std::vector<float>{1.0F, 0.5F, 0x1p-14F, 0x1p-15F, 0, 1.0F, 0.5F, 1.0F, 0, 0}));
    fake_quant_log(x, y, {1.0F, LogBase::two, LogZero::top}, 4);
    EXPECT_EQ(y, (std::vector<float>{1.0F, 0.5F, 0x1p-14F, 0, 0, 1.0F, 0.5F, 1.0F, 0, 0}));
}

TEST(LogQuant, SqrtTwoHalvesTheRelativeError) {
    std::vector<float> x(1000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01F + 0.00099F * static_cast<float>(i);
    double worst[2] = {};
    for (const LogBase base : bases) {
        std::vector<float> y(x.size());
        fake_quant_log(x, y, {1.0F, base, LogZero::beyond}, 4);
        for (std::size_t i = 0; i < x.size(); ++i) {
            double& w = worst[base == LogBase::sqrt2];
            w = std::max(w, std::abs(std::log2(double{y[i]} / x[i])));
        }
    }
    EXPECT_NEAR(worst[0], 0.5, 0.01);
    EXPECT_NEAR(worst[1], 0.25, 0.01);
}

}  // namespace
}  // namespace aocq::quant
