// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

// y += factor * x
AOCQ_CLONES void add_scaled(double* y, const double* x, double factor, std::int64_t n) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

// In place: the lower Cholesky factor of a symmetric matrix [n, n]; false where it has none.
bool cholesky(std::vector<double>& a, std::int64_t n) {
    for (std::int64_t j = 0; j < n; ++j) {
        double* row = a.data() + j * n;
        // Row j of the factor from the rows above it: rows are contiguous, so this is a triangular
        // solve by dot products.
        for (std::int64_t i = 0; i <= j; ++i) {
            const double* other = a.data() + i * n;
            double sum = row[i];
            for (std::int64_t k = 0; k < i; ++k) sum -= row[k] * other[k];
            if (i < j) {
                row[i] = sum / other[i];
            } else {
                if (!(sum > 0) || !std::isfinite(sum)) return false;
                row[j] = std::sqrt(sum);
            }
        }
    }
    return true;
}

}  // namespace

RoundingProblem::RoundingProblem(std::vector<double> hessian, std::int64_t columns,
                                 std::int64_t group, int bits, double damping)
    : hessian_(std::move(hessian)), columns_(columns), group_(group), bits_(bits) {
    AOCQ_EXPECT(columns > 0 && group > 0 && columns % group == 0);
    AOCQ_EXPECT(static_cast<std::int64_t>(hessian_.size()) == columns * columns);
    factorize(damping);
}

// H = L L^T with the columns in reverse order gives the upper factor U of H^-1 = U^T U in the
// wanted order without inverting H: reversing rows and columns of L^-1 turns lower into upper.
void RoundingProblem::factorize(double damping) {
    const std::int64_t n = columns_;
    order_.resize(at(n));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::int64_t a, std::int64_t b) { return diagonal(a) > diagonal(b); });
    double mean = 0;
    for (std::int64_t c = 0; c < n; ++c) mean += diagonal(c) / static_cast<double>(n);
    const double added = std::max(damping * mean, std::numeric_limits<double>::min());
    std::vector<double> lower(at(n * n));
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            const std::int64_t a = order_[at(n - 1 - i)], b = order_[at(n - 1 - j)];
            lower[at(i * n + j)] = hessian_[at(a * n + b)] + (i == j ? added : 0.0);
        }
    }
    if (!cholesky(lower, n)) {
        throw Error::numeric("the layer's input moments are not positive definite")
            .advise("use more calibration images or a larger damping");
    }
    // U = reversed L^-1: U[i][j] = Linv[n-1-i][n-1-j]; column by column forward substitution.
    factor_.assign(at(n * n), 0.0);
    std::vector<double> inverse(at(n * n), 0.0);  // rows of L^-1
    for (std::int64_t i = 0; i < n; ++i) {
        double* row = inverse.data() + i * n;
        const double* l = lower.data() + i * n;
        for (std::int64_t k = 0; k < i; ++k) add_scaled(row, inverse.data() + k * n, -l[k], k + 1);
        row[i] = 1.0;
        const double pivot = 1.0 / l[i];
        for (std::int64_t k = 0; k <= i; ++k) row[k] *= pivot;
    }
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = i; j < n; ++j)
            factor_[at(i * n + j)] = inverse[at((n - 1 - i) * n + (n - 1 - j))];
    }
}

RoundedRow::RoundedRow(const RoundingProblem& problem, std::span<const double> weight,
                       std::vector<Grid> grids)
    : problem_(problem), weight_(weight), grids_(std::move(grids)) {
    AOCQ_EXPECT(static_cast<std::int64_t>(weight.size()) == problem.columns());
    AOCQ_EXPECT(static_cast<std::int64_t>(grids_.size()) * problem.group() == problem.columns());
    codes_.resize(weight.size());
    for (std::int64_t c = 0; c < problem.columns(); ++c)
        codes_[at(c)] = nearest(weight[at(c)], grids_[at(c / problem.group())]);
    update_gradient();
}

std::int32_t RoundedRow::nearest(double value, const Grid& grid) const {
    const double code = std::nearbyint(value / static_cast<double>(grid.scale)) + grid.zero_point;
    const double top = largest_code(problem_.bits());
    return static_cast<std::int32_t>(std::clamp(code, 0.0, top));
}

double RoundedRow::value(std::int64_t c) const {
    const Grid& grid = grids_[at(c / problem_.group())];
    return static_cast<double>(codes_[at(c)] - grid.zero_point) * static_cast<double>(grid.scale);
}

void RoundedRow::update_gradient() {
    const std::int64_t n = problem_.columns();
    gradient_.assign(at(n), 0.0);
    for (std::int64_t c = 0; c < n; ++c) {
        const double difference = value(c) - weight_[at(c)];
        if (difference != 0.0) add_scaled(gradient_.data(), problem_.row(c).data(), difference, n);
    }
}

void RoundedRow::sweep() {
    const std::int64_t n = problem_.columns();
    std::vector<double> left(at(n));  // what is still to be rounded, in the order of the sweep
    for (std::int64_t i = 0; i < n; ++i) left[at(i)] = weight_[at(problem_.order_[at(i)])];
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t c = problem_.order_[at(i)];
        codes_[at(c)] = nearest(left[at(i)], grids_[at(c / problem_.group())]);
        const double* u = problem_.factor_.data() + i * n;
        const double error = (left[at(i)] - value(c)) / u[i];
        add_scaled(left.data() + i, u + i, -error, n - i);
    }
    update_gradient();
}

std::int64_t RoundedRow::descend() {
    const std::int64_t n = problem_.columns();
    std::int64_t moved = 0;
    for (std::int64_t c = 0; c < n; ++c) {
        const double curvature = problem_.diagonal(c);
        if (!(curvature > 0)) continue;
        const Grid& grid = grids_[at(c / problem_.group())];
        const double wanted = value(c) - gradient_[at(c)] / curvature;
        const std::int32_t code = nearest(wanted, grid);
        const double step =
            static_cast<double>(code - codes_[at(c)]) * static_cast<double>(grid.scale);
        if (step == 0.0 || step * (2 * gradient_[at(c)] + step * curvature) >= 0) continue;
        codes_[at(c)] = code;
        add_scaled(gradient_.data(), problem_.row(c).data(), step, n);
        ++moved;
    }
    return moved;
}

void RoundedRow::refit_scales() {
    const std::int64_t n = problem_.columns(), group = problem_.group();
    for (std::size_t g = 0; g < grids_.size(); ++g) {
        // d/ds of the error with everything else fixed: s += -(v^T gradient) / (v^T H v)
        const std::int64_t first = static_cast<std::int64_t>(g) * group;
        std::vector<double> image(at(n), 0.0);  // H v
        double slope = 0;
        for (std::int64_t c = first; c < first + group; ++c) {
            const double v = codes_[at(c)] - grids_[g].zero_point;
            if (v == 0.0) continue;
            add_scaled(image.data(), problem_.row(c).data(), v, n);
            slope += v * gradient_[at(c)];
        }
        double curvature = 0;
        for (std::int64_t c = first; c < first + group; ++c)
            curvature += (codes_[at(c)] - grids_[g].zero_point) * image[at(c)];
        if (!(curvature > 0)) continue;
        const auto scale = static_cast<float>(grids_[g].scale - slope / curvature);
        if (!(scale > std::numeric_limits<float>::min()) || !std::isfinite(scale)) continue;
        const double step = static_cast<double>(scale) - static_cast<double>(grids_[g].scale);
        // The scale is a float: the step it takes may miss the minimum by more than it gains.
        if (step * (2 * slope + step * curvature) >= 0) continue;
        grids_[g].scale = scale;
        add_scaled(gradient_.data(), image.data(), step, n);
    }
}

void RoundedRow::set_codes(std::span<const std::int32_t> codes) {
    AOCQ_EXPECT(codes.size() == codes_.size());
    codes_.assign(codes.begin(), codes.end());
    update_gradient();
}

double RoundedRow::error() const {
    double sum = 0;
    for (std::int64_t c = 0; c < problem_.columns(); ++c)
        sum += (value(c) - weight_[at(c)]) * gradient_[at(c)];
    return sum;
}

Grid fit_weighted(std::span<const double> values, std::span<const double> importance, int bits,
                  Symmetry symmetry, double last, int steps) {
    AOCQ_EXPECT(values.size() == importance.size() && !values.empty() && steps >= 1);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double top = largest_code(bits);
    Grid best;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i <= steps; ++i) {
        const double factor = 1.0 - (1.0 - last) * i / steps;
        const Grid grid =
            grid_from_range(static_cast<float>(std::min(*low, 0.0) * factor),
                            static_cast<float>(std::max(*high, 0.0) * factor), bits, symmetry);
        const double scale = grid.scale, inverse = 1.0 / scale;
        double error = 0;
        for (std::size_t c = 0; c < values.size(); ++c) {
            const double code =
                std::clamp(std::nearbyint(values[c] * inverse) + grid.zero_point, 0.0, top);
            const double difference = (code - grid.zero_point) * scale - values[c];
            error += importance[c] * difference * difference;
        }
        if (error < least) {
            least = error;
            best = grid;
        }
    }
    return best;
}

}  // namespace aocq::quant
