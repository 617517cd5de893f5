// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Rounding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/Error.hpp"
#include "core/Random.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t columns = 12;

// Moments of correlated inputs: sum of 40 outer products.
std::vector<double> moments(std::uint64_t seed) {
    RandomStream stream(RandomKey(seed).child("moments"));
    std::vector<double> h(columns * columns, 0.0);
    for (int t = 0; t < 40; ++t) {
        std::vector<double> x(columns);
        const double common = stream.normal();
        for (std::size_t c = 0; c < x.size(); ++c)
            x[c] = (common + stream.normal()) * (c % 5 == 0 ? 4.0 : 1.0);
        for (std::size_t i = 0; i < x.size(); ++i) {
            for (std::size_t j = 0; j < x.size(); ++j) h[i * x.size() + j] += x[i] * x[j];
        }
    }
    return h;
}

std::vector<double> row_of(std::uint64_t seed) {
    RandomStream stream(RandomKey(seed).child("row"));
    std::vector<double> w(columns);
    for (auto& value : w) value = stream.normal();
    return w;
}

double error_of(const std::vector<double>& h, std::span<const double> w, const RoundedRow& row) {
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
        for (std::size_t j = 0; j < w.size(); ++j) {
            sum += (row.value(static_cast<std::int64_t>(i)) - w[i]) * h[i * w.size() + j] *
                   (row.value(static_cast<std::int64_t>(j)) - w[j]);
        }
    }
    return sum;
}

// Gauss-Jordan with pivots, as a textbook has it.
std::vector<double> inverse_of(std::vector<double> a, std::size_t n) {
    std::vector<double> b(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) b[i * n + i] = 1;
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k; i < n; ++i) {
            if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
        }
        for (std::size_t j = 0; j < n; ++j) {
            std::swap(a[k * n + j], a[pivot * n + j]);
            std::swap(b[k * n + j], b[pivot * n + j]);
        }
        const double p = a[k * n + k];
        for (std::size_t j = 0; j < n; ++j) {
            a[k * n + j] /= p;
            b[k * n + j] /= p;
        }
        for (std::size_t i = 0; i < n; ++i) {
            if (i == k) continue;
            const double f = a[i * n + k];
            for (std::size_t j = 0; j < n; ++j) {
                a[i * n + j] -= f * a[k * n + j];
                b[i * n + j] -= f * b[k * n + j];
            }
        }
    }
    return b;
}

// Optimal brain quantization in fixed order, from its definition: round one weight, move the
// others to the minimum of the error, forget it (a fresh inverse of what is left every time).
std::vector<std::int32_t> naive_sweep(const std::vector<double>& h, std::vector<double> w,
                                      const Grid& grid, int bits, double damping) {
    const std::size_t n = w.size();
    std::vector<double> damped = h;
    double mean = 0;
    for (std::size_t c = 0; c < n; ++c) mean += h[c * n + c] / static_cast<double>(n);
    for (std::size_t c = 0; c < n; ++c) damped[c * n + c] += damping * mean;
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return h[a * n + a] > h[b * n + b]; });
    std::vector<std::int32_t> codes(n);
    for (std::size_t k = 0; k < n; ++k) {
        const std::size_t left = n - k;
        std::vector<double> part(left * left);
        for (std::size_t i = 0; i < left; ++i) {
            for (std::size_t j = 0; j < left; ++j)
                part[i * left + j] = damped[order[k + i] * n + order[k + j]];
        }
        const auto inverse = inverse_of(part, left);
        const std::size_t c = order[k];
        const double code = std::clamp(std::nearbyint(w[c] / grid.scale) + grid.zero_point, 0.0,
                                       static_cast<double>(largest_code(bits)));
        codes[c] = static_cast<std::int32_t>(code);
        const double error = (w[c] - (code - grid.zero_point) * grid.scale) / inverse[0];
        for (std::size_t i = 0; i < left; ++i) w[order[k + i]] -= error * inverse[i];
    }
    return codes;
}

TEST(Rounding, SweepIsOptimalBrainQuantizationInFixedOrder) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto h = moments(seed);
        const auto w = row_of(seed);
        const RoundingProblem problem(h, columns, columns, 3, 0.01);
        const Grid grid = grid_from_range(-2.0F, 2.5F, 3, Symmetry::asymmetric);
        RoundedRow row(problem, w, {grid});
        row.sweep();
        const auto naive = naive_sweep(h, w, grid, 3, 0.01);
        EXPECT_TRUE(std::equal(naive.begin(), naive.end(), row.codes().begin())) << seed;
    }
}

TEST(Rounding, ErrorIsTheQuadraticForm) {
    const auto h = moments(3);
    const auto w = row_of(3);
    const RoundingProblem problem(h, columns, 4, 3, 0.01);
    const Grid grid = grid_from_range(-2.0F, 2.5F, 3, Symmetry::asymmetric);
    RoundedRow row(problem, w, {grid, grid, grid});
    EXPECT_NEAR(row.error(), error_of(h, w, row), 1e-9 * row.error());
    row.sweep();
    row.descend();
    row.refit_scales();
    EXPECT_NEAR(row.error(), error_of(h, w, row), 1e-9 * row.error());
}

TEST(Rounding, EveryStepOfDescentLowersTheErrorOrLeavesIt) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto h = moments(seed);
        const auto w = row_of(seed);
        for (const std::int64_t group : {12, 4}) {
            const RoundingProblem problem(h, columns, group, 4, 0.01);
            const Grid grid = grid_from_range(-1.5F, 2.0F, 4, Symmetry::asymmetric);
            RoundedRow row(problem, w,
                           std::vector<Grid>(static_cast<std::size_t>(columns / group), grid));
            double last = row.error();
            for (int i = 0; i < 4; ++i) {
                row.descend();
                EXPECT_LE(row.error(), last * (1 + 1e-12));
                last = row.error();
                row.refit_scales();
                EXPECT_LE(row.error(), last * (1 + 1e-9));
                last = row.error();
            }
        }
    }
}

TEST(Rounding, ManyRowsGiveWhatEachGivesAloneBitByBit) {
    const auto h = moments(11);
    for (const std::int64_t group : {12, 4}) {
        const RoundingProblem problem(h, columns, group, 3, 0.01);
        const std::vector<Grid> grids(static_cast<std::size_t>(columns / group),
                                      grid_from_range(-2.0F, 2.5F, 3, Symmetry::asymmetric));
        std::vector<std::vector<double>> weights;
        for (std::uint64_t seed = 0; seed < 7; ++seed) weights.push_back(row_of(seed));
        std::vector<RoundedRow> together;
        for (const auto& w : weights) together.emplace_back(problem, w, grids);
        sweep(together);
        update_gradients(together);
        for (auto& row : together) row.descend();
        refit_scales(together);
        for (std::size_t r = 0; r < weights.size(); ++r) {
            RoundedRow alone(problem, weights[r], grids);
            alone.sweep();
            alone.descend();
            alone.refit_scales();
            EXPECT_TRUE(std::ranges::equal(alone.codes(), together[r].codes())) << r;
            EXPECT_TRUE(std::ranges::equal(alone.grids(), together[r].grids())) << r;
            EXPECT_EQ(alone.error(), together[r].error()) << r;
        }
    }
}

TEST(Rounding, AnotherWeightIsAnotherError) {
    const auto h = moments(2);
    const auto w = row_of(2), other = row_of(3);
    const RoundingProblem problem(h, columns, columns, 4, 0.01);
    RoundedRow row(problem, w, {grid_from_range(-2.0F, 2.5F, 4, Symmetry::asymmetric)});
    row.descend();
    row.set_weight(other);
    EXPECT_NEAR(row.error(), error_of(h, other, row), 1e-9 * row.error());
}

TEST(Rounding, DescentEndsWhereNoSingleCodeGains) {
    const auto h = moments(7);
    const auto w = row_of(7);
    const RoundingProblem problem(h, columns, columns, 3, 0.01);
    const Grid grid = grid_from_range(-2.0F, 2.5F, 3, Symmetry::asymmetric);
    RoundedRow row(problem, w, {grid});
    while (row.descend() != 0) {
    }
    const std::vector<std::int32_t> codes(row.codes().begin(), row.codes().end());
    for (std::size_t c = 0; c < codes.size(); ++c) {
        for (std::int32_t code = 0; code <= 7; ++code) {
            auto other = codes;
            other[c] = code;
            RoundedRow changed(problem, w, {grid});
            changed.set_codes(other);
            EXPECT_GE(changed.error(), row.error() * (1 - 1e-12));
        }
    }
}

TEST(Rounding, RefittedScaleIsTheLeastSquaresOne) {
    const auto h = moments(9);
    const auto w = row_of(9);
    const RoundingProblem problem(h, columns, columns, 4, 0.01);
    const Grid grid = grid_from_range(-2.0F, 2.5F, 4, Symmetry::asymmetric);
    RoundedRow row(problem, w, {grid});
    row.refit_scales();
    const double best = row.error();
    const float scale = row.grids()[0].scale;
    EXPECT_NE(scale, grid.scale);
    const std::vector<std::int32_t> codes(row.codes().begin(), row.codes().end());
    for (const float factor : {0.99F, 0.999F, 1.001F, 1.01F}) {
        RoundedRow other(problem, w, {{scale * factor, grid.zero_point}});
        other.set_codes(codes);
        EXPECT_GE(other.error(), best);
    }
}

TEST(Rounding, CodesStayWithinTheirRange) {
    const auto h = moments(5);
    auto w = row_of(5);
    for (auto& value : w) value *= 10;
    for (int bits = 2; bits <= 8; ++bits) {
        const RoundingProblem problem(h, columns, columns, bits, 0.01);
        RoundedRow row(problem, w, {grid_from_range(-1.0F, 1.0F, bits, Symmetry::symmetric)});
        row.sweep();
        row.descend();
        for (const auto code : row.codes()) {
            EXPECT_GE(code, 0);
            EXPECT_LE(code, largest_code(bits));
        }
    }
}

TEST(Rounding, InputsThatDoNotVaryAreHandledOrRefused) {
    const std::vector<double> zero(columns * columns, 0.0);
    const auto w = row_of(1);
    const RoundingProblem problem(zero, columns, columns, 4, 0.01);
    RoundedRow row(problem, w, {grid_from_range(-2.0F, 2.0F, 4, Symmetry::asymmetric)});
    const std::vector<std::int32_t> before(row.codes().begin(), row.codes().end());
    row.descend();
    EXPECT_TRUE(std::equal(before.begin(), before.end(), row.codes().begin()));
    std::vector<double> indefinite = moments(1);
    indefinite[0] = -1e6;
    EXPECT_THROW(RoundingProblem(indefinite, columns, columns, 4, 0.01), Error);
}

TEST(Rounding, WeightedRangeFavoursTheImportantValues) {
    const std::vector<double> values{0.11, 0.13, 0.21, 0.32, 0.07, 3.0};
    std::vector<double> alike(values.size(), 1.0), without_last = alike;
    without_last.back() = 0.0;
    const Grid wide = fit_weighted(values, alike, 4, Symmetry::asymmetric, 0.05, 100);
    const Grid narrow = fit_weighted(values, without_last, 4, Symmetry::asymmetric, 0.05, 100);
    EXPECT_LT(narrow.scale, wide.scale / 4);
}

}  // namespace
}  // namespace aocq::quant
