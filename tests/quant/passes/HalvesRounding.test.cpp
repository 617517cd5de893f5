// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/HalvesRounding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/Error.hpp"
#include "nn/Formula.hpp"
#include "quant/passes/LayerMoments.hpp"

namespace aocq::quant {
namespace {

using Matrix = std::vector<std::vector<double>>;

// A x = b by elimination with pivots.
std::vector<double> solved(Matrix a, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t c = 0; c < n; ++c) {
        std::size_t pivot = c;
        for (std::size_t r = c; r < n; ++r) {
            if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
        }
        std::swap(a[c], a[pivot]);
        std::swap(b[c], b[pivot]);
        for (std::size_t r = c + 1; r < n; ++r) {
            const double factor = a[r][c] / a[c][c];
            for (std::size_t k = c; k < n; ++k) a[r][k] -= factor * a[c][k];
            b[r] -= factor * b[c];
        }
    }
    for (std::size_t c = n; c-- > 0;) {
        for (std::size_t k = c + 1; k < n; ++k) b[c] -= a[c][k] * b[k];
        b[c] /= a[c][c];
    }
    return b;
}

struct Problem {
    std::int64_t rows = 5, columns = 8;
    at::Tensor inputs = test::formula("inputs", {64, columns}).to(at::kDouble) +
                        test::formula("common", {64, 1}).to(at::kDouble);
    at::Tensor hessian = at::mm(inputs.t(), inputs).contiguous();
    at::Tensor weight = test::formula("weight", {rows, columns}).to(at::kDouble);
    at::Tensor scales = at::full({rows, columns}, 0.08, at::kDouble);
    at::Tensor zeros = at::full({rows, columns}, 7.0, at::kDouble);

    double error(const at::Tensor& codes) const {
        const at::Tensor d = (codes - zeros) * scales - weight;
        return (at::mm(d, hessian) * d).sum().item<double>();
    }
    at::Tensor nearest() const { return at::clamp(at::round(weight / scales) + zeros, 0, 15); }
};

// METHODS 4.5 on one row without refinement, by naive double arithmetic.
std::vector<double> naive_halves(const Problem& p, std::int64_t row, double ridge) {
    const auto n = static_cast<std::size_t>(p.columns);
    const auto h = [&](std::size_t i, std::size_t j) {
        return p.hessian[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)].item<double>();
    };
    double mean = 0;
    std::vector<double> w, codes(n);
    for (std::size_t c = 0; c < n; ++c) {
        mean += h(c, c) / static_cast<double>(n);
        w.push_back(p.weight[row][static_cast<std::int64_t>(c)].item<double>());
    }
    for (std::size_t first = 0; first < n;) {
        const std::size_t count = n - first == 1 ? 1 : (n - first) / 2, next = first + count;
        std::vector<double> error;
        for (std::size_t c = first; c < next; ++c) {
            codes[c] = std::min(std::max(std::nearbyint(w[c] / 0.08) + 7, 0.0), 15.0);
            error.push_back((codes[c] - 7) * 0.08 - w[c]);
        }
        const std::size_t left = n - next;
        Matrix system(left, std::vector<double>(left));
        std::vector<double> wanted(left);
        for (std::size_t i = 0; i < left; ++i) {
            for (std::size_t j = 0; j < left; ++j)
                system[i][j] = h(next + i, next + j) + (i == j ? ridge * mean : 0.0);
            for (std::size_t c = 0; c < count; ++c) wanted[i] += h(next + i, first + c) * error[c];
        }
        const std::vector<double> change = solved(system, wanted);
        for (std::size_t i = 0; i < left; ++i) w[next + i] -= change[i];
        first = next;
    }
    return codes;
}

TEST(HalvesRounding, WithoutRefinementIsTheNaiveRecursion) {
    const Problem p;
    for (const double ridge : {0.01, 0.3}) {
        const at::Tensor codes =
            round_by_halves(p.weight, p.scales, p.zeros, p.hessian, 15, {ridge, 0});
        for (std::int64_t row = 0; row < p.rows; ++row) {
            const std::vector<double> wanted = naive_halves(p, row, ridge);
            for (std::int64_t c = 0; c < p.columns; ++c)
                EXPECT_EQ(codes[row][c].item<double>(), wanted[static_cast<std::size_t>(c)]);
        }
    }
}

TEST(HalvesRounding, IsBetterThanNearest) {
    const Problem p;
    const at::Tensor codes =
        round_by_halves(p.weight, p.scales, p.zeros, p.hessian, 15, {0.01, 100});
    EXPECT_LT(p.error(codes), 0.8 * p.error(p.nearest()));
}

TEST(HalvesRounding, RefinementNeverRaisesTheErrorAndEndsWhereNoFlipHelps) {
    const Problem p;
    at::Tensor codes = p.nearest().contiguous();
    const double before = p.error(codes);
    refine_rounding(codes, p.weight, p.scales, p.zeros, p.hessian, 15, 1000);
    const double after = p.error(codes);
    EXPECT_LT(after, before);
    EXPECT_GE(codes.min().item<double>(), 0);
    EXPECT_LE(codes.max().item<double>(), 15);
    at::Tensor again = codes.clone();
    refine_rounding(again, p.weight, p.scales, p.zeros, p.hessian, 15, 1000);
    EXPECT_TRUE(at::equal(codes, again));
}

TEST(HalvesRounding, RefinementStaysOnTheGrid) {
    Problem p;
    p.weight = p.weight * 20;  // most codes at the ends
    at::Tensor codes = p.nearest().contiguous();
    refine_rounding(codes, p.weight, p.scales, p.zeros, p.hessian, 15, 1000);
    EXPECT_GE(codes.min().item<double>(), 0);
    EXPECT_LE(codes.max().item<double>(), 15);
}

// Aqer: argmin ||x (W + dW)^T - u W^T||^2 + ridge ||dW||^2 over centred inputs, row by row.
TEST(HalvesRounding, RidgeRegressionOfTheActivationErrorIsTheNaiveOne) {
    const at::Tensor u = test::formula("inputs", {40, 6}) * 3;
    const auto quantize = [](const at::Tensor& x) { return at::round(x * 2) / 2; };
    const at::Tensor weight = test::formula("weight", {3, 6});
    const double share = 0.2;
    const at::Tensor found =
        compensated(weight, layer_moments(u, quantize, at::ones({40, 1})), share);
    const at::Tensor x = quantize(u).to(at::kDouble), raw = u.to(at::kDouble);
    const at::Tensor xc = x - x.mean(0), uc = raw - raw.mean(0);
    double mean = 0;
    Matrix system(6, std::vector<double>(6));
    for (std::size_t i = 0; i < 6; ++i) {
        for (std::size_t j = 0; j < 6; ++j) {
            for (std::int64_t t = 0; t < 40; ++t)
                system[i][j] += xc[t][static_cast<std::int64_t>(i)].item<double>() *
                                xc[t][static_cast<std::int64_t>(j)].item<double>();
        }
        mean += system[i][i] / 6;
    }
    for (std::size_t i = 0; i < 6; ++i) system[i][i] += share * mean;
    for (std::int64_t row = 0; row < 3; ++row) {
        const at::Tensor w = weight[row].to(at::kDouble);
        const at::Tensor missing = at::mv(uc, w) - at::mv(xc, w);
        std::vector<double> wanted(6);
        for (std::size_t i = 0; i < 6; ++i) {
            for (std::int64_t t = 0; t < 40; ++t)
                wanted[i] +=
                    xc[t][static_cast<std::int64_t>(i)].item<double>() * missing[t].item<double>();
        }
        const std::vector<double> change = solved(system, wanted);
        for (std::int64_t c = 0; c < 6; ++c)
            EXPECT_NEAR(found[row][c].item<double>() - w[c].item<double>(),
                        change[static_cast<std::size_t>(c)], 1e-5);
    }
}

}  // namespace
}  // namespace aocq::quant
