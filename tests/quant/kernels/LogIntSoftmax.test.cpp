// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/LogIntSoftmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

// Scores on a grid of the step, `span` steps wide.
std::vector<float> scores_on_grid(float step, int span, std::size_t n) {
    RandomStream stream(RandomKey(11).child("scores"));
    std::vector<float> scores(n);
    for (float& v : scores)
        v = static_cast<float>(std::floor(stream.uniform() * span) - span / 3) * step;
    return scores;
}

std::vector<float> probabilities(std::vector<float> scores, std::int64_t keys, float step, int bits,
                                 LogZero zero) {
    std::vector<float> y(scores.size());
    log_int_softmax(scores, y, keys, step, bits, zero);
    log_int_softmax(scores, scores, keys, step, bits, zero);  // in place: the same
    EXPECT_EQ(test::first_difference(y, scores), -1);
    return y;
}

TEST(LogIntSoftmax, EqualsTheFormulaInRealNumbers) {
    constexpr std::int64_t keys = 37;
    for (const float step : {0.011F, 0.05F, 0.13F, 0.35F, 0.69F, 0.7F, 1.2F}) {
        const auto scores = scores_on_grid(step, 256, 40 * keys);
        for (int bits = 2; bits <= 8; ++bits) {
            for (const LogZero zero : {LogZero::beyond, LogZero::top}) {
                const int limit = largest_code(bits) + (zero == LogZero::beyond ? 1 : 0);
                const auto found = probabilities(scores, keys, step, bits, zero);
                for (std::size_t at = 0; at < scores.size(); at += keys) {
                    const auto codes =
                        reference::log_int_codes(std::span(scores).subspan(at, keys), step);
                    for (std::size_t i = 0; i < codes.size(); ++i) {
                        const bool is_zero = codes[i] < 0 || codes[i] >= limit;
                        ASSERT_EQ(found[at + i], is_zero ? 0.0F : std::ldexp(1.0F, -codes[i]))
                            << "step " << step << " bits " << bits;
                    }
                }
            }
        }
    }
}

TEST(LogIntSoftmax, IsNearTheExactSoftmax) {
    constexpr std::int64_t keys = 50;
    const float step = 0.06F;
    const auto scores = scores_on_grid(step, 200, 20 * keys);
    const auto found = probabilities(scores, keys, step, 8, LogZero::beyond);
    for (std::size_t at = 0; at < scores.size(); at += keys) {
        double sum = 0;
        for (std::size_t i = at; i < at + keys; ++i) sum += std::exp(double{scores[i]});
        for (std::size_t i = at; i < at + keys; ++i) {
            const double exact = std::exp(double{scores[i]}) / sum;
            const double wanted = -std::log2(exact), code = -std::log2(double{found[i]});
            // Rounding from 1.5 on; and ln 2 is a whole number of steps (12 here, not 11.55).
            ASSERT_LE(std::abs(code - wanted), 0.65 + 0.05 * wanted);
        }
    }
}

TEST(LogIntSoftmax, LargerScoresNeverGetSmallerProbabilities) {
    for (const float step : {0.02F, 0.3F, 1.0F, 2.5F}) {
        for (int bits = 2; bits <= 8; ++bits) {
            std::vector<float> scores(256);
            std::iota(scores.begin(), scores.end(), 0.0F);
            for (float& v : scores) v *= step;
            const auto found = probabilities(scores, 256, step, bits, LogZero::top);
            for (std::size_t i = 1; i < found.size(); ++i) ASSERT_LE(found[i - 1], found[i]);
            // Few bits hold no small probability.
            EXPECT_TRUE(bits < 8 || found.back() > 0.0F) << step;
        }
    }
}

TEST(LogIntSoftmax, GivesPowersOfTwoOfItsCodesAndNothingElse) {
    const auto scores = scores_on_grid(0.1F, 256, 640);
    for (int bits = 2; bits <= 8; ++bits) {
        for (const LogZero zero : {LogZero::beyond, LogZero::top}) {
            const auto found = probabilities(scores, 64, 0.1F, bits, zero);
            // Rounding them to the grid of powers of two changes none.
            std::vector<float> again(found.size());
            fake_quant_log(found, again, {1.0F, LogBase::two, zero}, bits);
            EXPECT_EQ(test::first_difference(found, again), -1) << bits;
        }
    }
}

TEST(LogIntSoftmax, OneKeyAndEqualKeysShareTheWhole) {
    EXPECT_EQ(probabilities({-3.0F}, 1, 0.1F, 4, LogZero::top), (std::vector<float>{1.0F}));
    EXPECT_EQ(probabilities({2.0F, 2.0F, 2.0F, 2.0F}, 4, 0.1F, 4, LogZero::top),
              (std::vector<float>(4, 0.25F)));
}

// Where the released code divides zero by zero, sums leave 64 bits, or a mask drives scores away.
TEST(LogIntSoftmax, HoldsAtTheEndsOfItsSteps) {
    EXPECT_EQ(probabilities({0.0F, 3.0F, 30.0F}, 3, 3.0F, 4, LogZero::beyond),
              (std::vector<float>{0x1p-10F, 0x1p-9F, 1.0F}));
    const float tiny = 1e-9F;
    EXPECT_EQ(probabilities({0.0F, tiny, 200 * tiny, 0.0F}, 4, tiny, 8, LogZero::top),
              (std::vector<float>(4, 0.25F)));
    const float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(probabilities({-infinity, 0.5F, -100.0F, 0.5F}, 4, 0.05F, 4, LogZero::beyond),
              (std::vector<float>{0.0F, 0.5F, 0.0F, 0.5F}));
    const std::vector<float> row(4096, 0.0F);
    EXPECT_EQ(probabilities(row, 4096, 0x1p-20F, 8, LogZero::top),
              (std::vector<float>(4096, 0x1p-12F)));
}

TEST(LogIntSoftmax, RowWithNaNIsNaNAndOthersAreNot) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(4);
    log_int_softmax(std::vector<float>{nan, 1.0F, 0.0F, 0.0F}, y, 2, 0.1F, 4, LogZero::top);
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
    EXPECT_EQ(y[2], 0.5F);
}

}  // namespace
}  // namespace aocq::quant
