// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

std::vector<std::int64_t> counts_of(const HistogramCounter& counter) {
    std::vector<std::int64_t> counts;
    for (int bin = 0; bin < histogram_bins; ++bin) counts.push_back(counter.count(bin));
    return counts;
}

TEST(Histogram, BinsTileTheLineInOrder) {
    EXPECT_EQ(bin_lower(0), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(bin_upper(histogram_bins - 1), std::numeric_limits<double>::infinity());
    for (int bin = 0; bin + 1 < histogram_bins; ++bin) {
        EXPECT_EQ(bin_upper(bin), bin_lower(bin + 1));
        EXPECT_LT(bin_lower(bin), bin_upper(bin));
    }
    EXPECT_EQ(bin_lower(histogram_zero_bin + 1), 0x1p-24);
    EXPECT_EQ(bin_lower(histogram_bins - 1), 0x1p16);
}

TEST(Histogram, EveryEdgeStartsItsBinOnThePositiveSideAndMirrorsOnTheOther) {
    for (int bin = histogram_zero_bin + 1; bin < histogram_bins; ++bin) {
        const auto edge = static_cast<float>(bin_lower(bin));
        ASSERT_EQ(double{edge}, bin_lower(bin));
        EXPECT_EQ(bin_of(edge), bin);
        EXPECT_EQ(bin_of(std::nextafter(edge, 0.0F)), bin - 1);
        EXPECT_EQ(bin_of(-edge), histogram_bins - 1 - bin);
        EXPECT_EQ(bin_of(-std::nextafter(edge, 0.0F)), histogram_bins - bin);
    }
}

TEST(Histogram, ZerosDenormalsAndHugeValuesHaveTheirBins) {
    const float max = std::numeric_limits<float>::max();
    EXPECT_EQ(bin_of(0.0F), histogram_zero_bin);
    EXPECT_EQ(bin_of(-0.0F), histogram_zero_bin);
    EXPECT_EQ(bin_of(-std::numeric_limits<float>::denorm_min()), histogram_zero_bin);
    EXPECT_EQ(bin_of(0x1p-25F), histogram_zero_bin);
    EXPECT_EQ(bin_of(max), histogram_bins - 1);
    EXPECT_EQ(bin_of(-max), 0);
}

TEST(Histogram, CounterCountsEveryValueInItsBin) {
    for (const std::size_t n :
         {std::size_t{0}, std::size_t{1}, std::size_t{513}, std::size_t{5000}}) {
        const auto x = test::normal_values("histogram", n, 3.0);
        HistogramCounter counter;
        counter.add(x);
        std::vector<std::int64_t> wanted(static_cast<std::size_t>(histogram_bins));
        for (const float v : x) {
            const int bin = bin_of(v);
            ++wanted[static_cast<std::size_t>(bin)];
            EXPECT_LE(bin_lower(bin), v);
            EXPECT_GE(bin_upper(bin), v);
        }
        EXPECT_EQ(counts_of(counter), wanted);
    }
}

TEST(Histogram, QuantilesAreWithinOneBinOfTheSortedOnes) {
    auto x = test::normal_values("quantiles", 30000, 2.0, 0.3);
    x[17] = 90.0F;
    HistogramCounter counter;
    counter.add(x);
    const auto counts = counts_of(counter);
    const double low = reference::quantile(x, 0.0);
    const double high = reference::quantile(x, 1.0);
    for (const double q : {0.0001, 0.001, 0.01, 0.1, 0.25, 0.4, 0.6, 0.9, 0.99, 0.999, 0.9999}) {
        const double wanted = reference::quantile(x, q);
        const double found = histogram_quantile(counts, q, low, high);
        EXPECT_NEAR(found, wanted, std::abs(wanted) / 30.0 + 1e-3) << q;
    }
    EXPECT_EQ(histogram_quantile(counts, 1.0, low, high), high);
    EXPECT_NEAR(histogram_quantile(counts, 0.0, low, high), low, std::abs(low) / 32.0);
}

TEST(Histogram, QuantileNeverLeavesTheExactExtremes) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(histogram_bins));
    counts[static_cast<std::size_t>(histogram_bins) - 1] = 10;  // beyond the last edge
    EXPECT_LE(histogram_quantile(counts, 1.0, 70000.0, 90000.0), 90000.0);
    EXPECT_GE(histogram_quantile(counts, 0.0, 70000.0, 90000.0), 70000.0);
    counts.assign(counts.size(), 0);
    counts[static_cast<std::size_t>(bin_of(0.5F))] = 1;
    EXPECT_EQ(histogram_quantile(counts, 0.3, 0.5, 0.5), 0.5);
}

}  // namespace
}  // namespace aocq::quant
