// SPDX-License-Identifier: Apache-2.0
// RepQ-ViT's ranges against sorting and trying all.
#include "quant/kernels/Candidates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "quant/kernels/Accumulate.hpp"
#include "quant/kernels/Observers.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

// Tails of either sign, far enough for the percentiles to differ.
std::vector<float> values_with_tails(std::size_t n) {
    auto x = test::normal_values("tails", n);
    for (std::size_t i = 0; i < n; i += 997) x[i] *= 30.0F;
    return x;
}

Range tried_one_by_one(const std::vector<float>& x, int bits, Symmetry symmetry) {
    double least = std::numeric_limits<double>::infinity();
    Range best;
    for (const double p : {0.999, 0.9999, 0.99999}) {
        const Range range{static_cast<float>(reference::quantile(x, 1.0 - p)),
                          static_cast<float>(reference::quantile(x, p))};
        const double error = reference::grid_error(
            x, grid_from_range(range.low, range.high, bits, symmetry), bits, 2);
        if (error >= least) continue;
        least = error;
        best = range;
    }
    return best;
}

TEST(Candidates, AreThoseOfSortingAndTheBestOneWins) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{37}, std::size_t{192},
                                std::size_t{5000}, std::size_t{30011}}) {
        const std::vector<float> x = values_with_tails(n);
        for (const int bits : {2, 4, 6, 8}) {
            for (const Symmetry symmetry : {Symmetry::symmetric, Symmetry::asymmetric}) {
                std::vector<float> scratch = x;
                const Range found = best_candidate(scratch, RangeObjective{x, bits, symmetry, 2.0});
                EXPECT_EQ(found, tried_one_by_one(x, bits, symmetry)) << n << " " << bits;
            }
        }
    }
}

TEST(Candidates, OfAFewBitsCutFurtherThanOfMany) {
    std::vector<float> x = values_with_tails(30011);
    const auto high = [&](int bits) {
        std::vector<float> scratch = x;
        return best_candidate(scratch, RangeObjective{x, bits, Symmetry::asymmetric, 2.0}).high;
    };
    EXPECT_LT(high(3), high(8));
}

TEST(Candidates, OnlyReorderTheValues) {
    std::vector<float> x = values_with_tails(3000), moved = x;
    best_candidate(moved, RangeObjective{x, 4, Symmetry::asymmetric, 2.0});
    std::sort(x.begin(), x.end());
    std::sort(moved.begin(), moved.end());
    EXPECT_EQ(x, moved);
}

TEST(Candidates, OfRowsAreTheObserversGrids) {
    const std::vector<float> x = values_with_tails(3 * 400);
    ObserverOptions options;
    options.observer = Observer::candidates;
    const auto grids = fit_rows(x, {1, 3, 400}, 4, Symmetry::asymmetric, options);
    ASSERT_EQ(grids.size(), 3U);
    for (std::size_t row = 0; row < 3; ++row) {
        const auto first = x.begin() + static_cast<std::ptrdiff_t>(400 * row);
        const Range range = tried_one_by_one({first, first + 400}, 4, Symmetry::asymmetric);
        EXPECT_EQ(grids[row], grid_from_range(range.low, range.high, 4, Symmetry::asymmetric));
    }
}

TEST(Candidates, OfStatisticsAreTheBestOfTheHistogramsPercentiles) {
    const std::vector<float> x = values_with_tails(20000);
    StatisticsAccumulator accumulator({"site", "linear.input", RandomKey(1), 20000});
    accumulator.add(x, Activation::linear(1, 1, 20000), 0);
    const store::SiteStatistics statistics = accumulator.result();
    for (const int bits : {3, 4, 8}) {
        double least = std::numeric_limits<double>::infinity();
        Range best;
        for (const double percentile : candidate_percentiles) {
            ObserverOptions one;
            one.observer = Observer::percentile;
            one.percentile = percentile;
            const Range range = observe_range(statistics, bits, Symmetry::asymmetric, one);
            const Grid grid = grid_from_range(range.low, range.high, bits, Symmetry::asymmetric);
            std::vector<float> values = statistics.samples;
            values.push_back(statistics.minimum);
            values.push_back(statistics.maximum);
            const double error = reference::grid_error(values, grid, bits, 2);
            if (error >= least) continue;
            least = error;
            best = range;
        }
        ObserverOptions options;
        options.observer = Observer::candidates;
        EXPECT_EQ(observe_range(statistics, bits, Symmetry::asymmetric, options), best) << bits;
    }
}

TEST(Candidates, EndsAsTheyAreReachTheRangeWithoutZero) {
    for (int bits = 2; bits <= 8; ++bits) {
        for (const Range range : {Range{3.0F, 3.5F}, Range{-8.0F, -7.75F}, Range{1.0F, 100.0F}}) {
            const Grid grid =
                grid_from_ends(range, bits, Symmetry::asymmetric, RangeEnds::as_they_are);
            const Range reached = range_of(grid, bits);
            EXPECT_NEAR(reached.low, range.low, grid.scale * 0.51) << bits;
            EXPECT_NEAR(reached.high, range.high, grid.scale * 0.51) << bits;
            EXPECT_NEAR(grid.scale,
                        (range.high - range.low) / static_cast<float>(largest_code(bits)), 1e-6);
        }
    }
}

TEST(Candidates, EndsAsTheyAreEqualTheOthersAroundZero) {
    const Range range{-1.5F, 2.0F};
    EXPECT_EQ(grid_from_ends(range, 4, Symmetry::asymmetric, RangeEnds::as_they_are),
              grid_from_range(-1.5F, 2.0F, 4, Symmetry::asymmetric));
}

TEST(Candidates, ConstantFarFromZeroHasAGridThatHoldsIt) {
    const Grid grid = grid_from_ends({7.0F, 7.0F}, 4, Symmetry::asymmetric, RangeEnds::as_they_are);
    const Range reached = range_of(grid, 4);
    EXPECT_LE(reached.low, 7.0F);
    EXPECT_GE(reached.high, 7.0F);
    EXPECT_NEAR(reached.low, 7.0F, 1e-4);
}

}  // namespace
}  // namespace aocq::quant
