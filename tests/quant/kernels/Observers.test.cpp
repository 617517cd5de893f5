// SPDX-License-Identifier: Apache-2.0
// Observers against brute force in double.
#include "quant/kernels/Observers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Accumulate.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

constexpr Symmetry both[] = {Symmetry::symmetric, Symmetry::asymmetric};

ObserverOptions with(Observer observer) {
    ObserverOptions options;
    options.observer = observer;
    return options;
}

// Every value is a sample.
store::SiteStatistics statistics_of(const std::vector<float>& x, std::int64_t images) {
    const auto n = static_cast<std::int64_t>(x.size());
    StatisticsAccumulator accumulator({"site", "linear.input", RandomKey(1), n});
    accumulator.add(x, Activation::linear(images, 1, n / images), 0);
    return accumulator.result();
}

// A skewed distribution with outliers, as after GELU.
std::vector<float> heavy_values(std::size_t n) {
    auto x = test::normal_values("heavy", n);
    for (float& v : x) v = v > 0.0F ? v : 0.1F * v;
    x[3] = 25.0F;
    x[n / 2] = -2.0F;
    return x;
}

double error_of(std::span<const float> x, Range range, int bits, Symmetry symmetry,
                double power = 2) {
    const Grid grid = grid_from_range(range.low, range.high, bits, symmetry);
    return reference::grid_error(x, grid, bits, power);
}

std::vector<float> with_extremes(std::vector<float> x) {
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    const float ends[] = {*low, *high};
    x.insert(x.end(), std::begin(ends), std::end(ends));
    return x;
}

TEST(Observers, MinMaxIsExact) {
    const auto x = heavy_values(600);
    const auto statistics = statistics_of(x, 6);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    const Range range = observe_range(statistics, 8, Symmetry::asymmetric, with(Observer::minmax));
    EXPECT_EQ(range, (Range{*low, *high}));
    const auto channels = observe_channel_ranges(statistics, with(Observer::minmax));
    ASSERT_EQ(channels.size(), 100U);
    for (std::size_t c = 0; c < channels.size(); ++c) {
        float least = x[c];
        float most = x[c];
        for (std::size_t i = c; i < x.size(); i += 100) {
            least = std::min(least, x[i]);
            most = std::max(most, x[i]);
        }
        EXPECT_EQ(channels[c], (Range{least, most}));
    }
}

TEST(Observers, RunningAverageFollowsTheImagesInOrder) {
    const std::vector<float> x{-1, 1, -3, 2, -2, 8};
    ObserverOptions options = with(Observer::ema);
    options.ema_sigma = 0.5;
    const Range range = observe_range(statistics_of(x, 3), 8, Symmetry::asymmetric, options);
    EXPECT_EQ(range, (Range{-2.0F, 4.75F}));  // -1, -2, -2 and 1, 1.5, 4.75
}

TEST(Observers, PercentileIsWithinOneBinOfSorting) {
    const auto x = heavy_values(40000);
    ObserverOptions options = with(Observer::percentile);
    for (const double percentile : {0.99, 0.999, 0.9999}) {
        options.percentile = percentile;
        const Range range = observe_range(statistics_of(x, 4), 8, Symmetry::asymmetric, options);
        const double low = reference::quantile(x, 1.0 - percentile);
        const double high = reference::quantile(x, percentile);
        EXPECT_NEAR(range.low, low, std::abs(low) / 32.0);
        EXPECT_NEAR(range.high, high, std::abs(high) / 32.0);
    }
    options.percentile = 1.0;
    EXPECT_EQ(observe_range(statistics_of(x, 4), 8, Symmetry::asymmetric, options).high, 25.0F);
}

TEST(Observers, OmseFindsTheBestJointShrink) {
    const auto x = heavy_values(3000);
    const auto statistics = statistics_of(x, 3);
    const auto values = with_extremes(x);
    for (const Symmetry symmetry : both) {
        for (const int bits : {2, 4, 8}) {
            for (const double power : {2.0, 2.4}) {
                ObserverOptions options = with(Observer::omse);
                options.power = power;
                const Range range = observe_range(statistics, bits, symmetry, options);
                double best = 1e300;
                for (int i = 0; i < 90; ++i) {
                    const double f = 1.0 - 0.01 * i;
                    const Range candidate{static_cast<float>(f * statistics.minimum),
                                          static_cast<float>(f * statistics.maximum)};
                    best = std::min(best, error_of(values, candidate, bits, symmetry, power));
                }
                EXPECT_NEAR(error_of(values, range, bits, symmetry, power), best, 1e-4 * best);
            }
        }
    }
}

TEST(Observers, MseIsNearTheBestPairOfEnds) {
    const auto x = heavy_values(1500);
    const auto statistics = statistics_of(x, 3);
    const auto values = with_extremes(x);
    for (const int bits : {3, 4, 6}) {
        ObserverOptions options = with(Observer::mse);
        options.steps = 45;
        const Range range = observe_range(statistics, bits, Symmetry::asymmetric, options);
        double best = 1e300;
        for (const double low : search_factors(45)) {
            for (const double high : search_factors(45)) {
                const Range candidate{static_cast<float>(low * statistics.minimum),
                                      static_cast<float>(high * statistics.maximum)};
                best = std::min(best, error_of(values, candidate, bits, Symmetry::asymmetric));
            }
        }
        const double found = error_of(values, range, bits, Symmetry::asymmetric);
        EXPECT_LE(found, 1.03 * best) << bits;
        EXPECT_GE(found, 0.9999 * best) << bits;
    }
}

TEST(Observers, MseIsNeverWorseThanMinMaxOrOmse) {
    for (const std::size_t n : {std::size_t{30}, std::size_t{300}, std::size_t{3000}}) {
        const auto x = heavy_values(n);
        const auto statistics = statistics_of(x, 3);
        const auto values = with_extremes(x);
        for (const Symmetry symmetry : both) {
            for (int bits = 2; bits <= 8; ++bits) {
                const auto error = [&](Observer observer) {
                    return error_of(values,
                                    observe_range(statistics, bits, symmetry, with(observer)), bits,
                                    symmetry);
                };
                EXPECT_LE(error(Observer::mse), 1.0001 * error(Observer::minmax));
                EXPECT_LE(error(Observer::omse), 1.0001 * error(Observer::minmax));
                EXPECT_LE(error(Observer::mse), 1.1 * error(Observer::omse));
            }
        }
    }
}

TEST(Observers, AllPositiveValuesKeepZeroAsTheLowEnd) {
    const auto x = test::normal_values("positive", 900, 0.1, 5.0);
    const Range range =
        observe_range(statistics_of(x, 3), 4, Symmetry::asymmetric, with(Observer::mse));
    EXPECT_EQ(range.low, 0.0F);
    EXPECT_GT(range.high, 4.0F);
}

TEST(Observers, MissingStatisticsAreConfigErrors) {
    auto statistics = statistics_of(heavy_values(60), 3);
    const auto fails = [](const auto& call) {
        try {
            call();
        } catch (const Error& error) {
            return error.kind() == ErrorKind::config;
        }
        return false;
    };
    const auto observe = [&](Observer observer) {
        return
            [&, observer] { observe_range(statistics, 8, Symmetry::asymmetric, with(observer)); };
    };
    EXPECT_TRUE(fails([&] { observe_channel_ranges(statistics, with(Observer::mse)); }));
    statistics.samples.clear();
    statistics.image_min.clear();
    EXPECT_TRUE(fails(observe(Observer::mse)));
    EXPECT_TRUE(fails(observe(Observer::omse)));
    EXPECT_TRUE(fails(observe(Observer::ema)));
    EXPECT_FALSE(fails(observe(Observer::minmax)));
    statistics.count = 0;
    EXPECT_TRUE(fails(observe(Observer::minmax)));
}

TEST(FitRows, GivesEveryRowItsOwnGrid) {
    const auto w = test::normal_values("weights", 6 * 50, 0.02);
    for (const Symmetry symmetry : both) {
        const auto grids = fit_rows(w, {1, 6, 50}, 8, symmetry, with(Observer::minmax));
        ASSERT_EQ(grids.size(), 6U);
        for (std::size_t o = 0; o < 6; ++o) {
            const auto first = w.begin() + static_cast<std::ptrdiff_t>(o * 50);
            const auto [low, high] = std::minmax_element(first, first + 50);
            EXPECT_EQ(grids[o], grid_from_range(*low, *high, 8, symmetry));
        }
    }
}

TEST(FitRows, SearchesTheBestShrinkOfEveryRow) {
    auto w = test::normal_values("search", 5 * 64, 0.02);
    w[70] = 0.3F;
    for (const int bits : {3, 4, 5, 6, 8}) {
        const auto grids = fit_rows(w, {1, 5, 64}, bits, Symmetry::symmetric, with(Observer::mse));
        for (std::size_t o = 0; o < 5; ++o) {
            const std::span row(w.data() + o * 64, 64);
            const auto [low, high] = std::minmax_element(row.begin(), row.end());
            double best = 1e300;
            for (int i = 0; i <= 100; ++i) {
                const double f = 1.0 - (1.0 - smallest_shrink(bits)) * i / 100;
                const Range range{static_cast<float>(f * *low), static_cast<float>(f * *high)};
                best = std::min(best, error_of(row, range, bits, Symmetry::symmetric));
            }
            EXPECT_NEAR(reference::grid_error(row, grids[o], bits, 2.0), best, 1e-4 * best);
        }
    }
}

TEST(FitRows, PercentileIsThatOfTheSortedRow) {
    const auto w = test::normal_values("percentile", 3 * 501);
    ObserverOptions options = with(Observer::percentile);
    options.percentile = 0.973;
    const auto grids = fit_rows(w, {1, 3, 501}, 8, Symmetry::asymmetric, options);
    for (std::size_t o = 0; o < 3; ++o) {
        const std::span row(w.data() + o * 501, 501);
        const auto low = static_cast<float>(reference::quantile(row, 1.0 - 0.973));
        const auto high = static_cast<float>(reference::quantile(row, 0.973));
        EXPECT_EQ(grids[o], grid_from_range(low, high, 8, Symmetry::asymmetric));
    }
}

TEST(FitRows, GathersChannelsThatAreNotContiguous) {
    const auto x = test::normal_values("gather", 40 * 7);
    const auto grids = fit_rows(x, {40, 7, 1}, 4, Symmetry::asymmetric, with(Observer::mse));
    std::vector<float> turned(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) turned[i % 7 * 40 + i / 7] = x[i];
    EXPECT_EQ(grids, fit_rows(turned, {1, 7, 40}, 4, Symmetry::asymmetric, with(Observer::mse)));
}

TEST(FitRows, RunningAverageOfWeightsIsAConfigError) {
    const std::vector<float> w(8, 1.0F);
    EXPECT_THROW(fit_rows(w, {1, 2, 4}, 8, Symmetry::symmetric, with(Observer::ema)), Error);
}

TEST(FitRows, RowsOfZerosGetTheUnitScale) {
    const std::vector<float> w(8, 0.0F);
    for (const Observer observer :
         {Observer::minmax, Observer::mse, Observer::omse, Observer::percentile}) {
        const auto grids = fit_rows(w, {1, 2, 4}, 4, Symmetry::symmetric, with(observer));
        EXPECT_EQ(grids[0], (Grid{1.0F, 8}));
    }
}

}  // namespace
}  // namespace aocq::quant
