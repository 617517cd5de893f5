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

struct Step {
    double inverse, scale, low, high;
};

// Sum of importance * (w - w^)^2, over eight lanes that are added up in one fixed order.
AOCQ_CLONES double weighted_error(const double* values, const double* importance, std::int64_t n,
                                  Step s) {
    constexpr int lanes = 8;
    constexpr double rounder = 0x1.8p52;  // see FakeQuant.cpp
    double part[lanes] = {};
    const auto term = [&](std::int64_t i) {
        double t = values[i] * s.inverse;
        t = t < s.low ? s.low : t;
        t = t > s.high ? s.high : t;
        const double difference = ((t + rounder) - rounder) * s.scale - values[i];
        return importance[i] * difference * difference;
    };
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) part[lane] += term(i + lane);
    }
    for (int lane = 0; i < n; ++i, ++lane) part[lane] += term(i);
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

constexpr std::size_t tile = 4;

// The same for `tile` rows at once: x is read once.
AOCQ_CLONES void add_scaled_tile(double* const* y, const double* x, const double* factors,
                                 std::int64_t n) {
    double *a = y[0], *b = y[1], *c = y[2], *d = y[3];
    const double fa = factors[0], fb = factors[1], fc = factors[2], fd = factors[3];
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        a[i] += fa * x[i];
        b[i] += fb * x[i];
        c[i] += fc * x[i];
        d[i] += fd * x[i];
    }
}

void add_scaled_rows(std::span<double* const> y, const double* x, std::span<const double> factors,
                     std::int64_t n) {
    if (y.size() == tile) {
        add_scaled_tile(y.data(), x, factors.data(), n);
        return;
    }
    for (std::size_t r = 0; r < y.size(); ++r) add_scaled(y[r], x, factors[r], n);
}

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

// In place: the lower Cholesky factor of a symmetric matrix [n, n]; false where it has none. Row by
// row of the transposed factor, which is contiguous, above the diagonal; transposed at the end.
bool cholesky(std::vector<double>& a, std::int64_t n) {
    for (std::int64_t j = 0; j < n; ++j) {
        double* row = a.data() + j * n;
        for (std::int64_t k = 0; k < j; ++k) {
            const double* above = a.data() + k * n;
            add_scaled(row + j, above + j, -above[j], n - j);
        }
        if (!(row[j] > 0) || !std::isfinite(row[j])) return false;
        const double pivot = std::sqrt(row[j]);
        row[j] = pivot;
        for (std::int64_t i = j + 1; i < n; ++i) row[i] /= pivot;
    }
    for (std::int64_t j = 0; j < n; ++j) {
        for (std::int64_t i = j + 1; i < n; ++i) a[at(i * n + j)] = a[at(j * n + i)];
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

namespace {

// out[r] = H left[r], `tile` rows at a time.
void multiply(const RoundingProblem& problem, std::span<const std::vector<double>> left,
              std::span<std::vector<double>> out) {
    const std::int64_t n = problem.columns();
    for (std::size_t first = 0; first < left.size(); first += tile) {
        const std::size_t count = std::min(tile, left.size() - first);
        double* rows[tile] = {};
        double factors[tile] = {};
        for (std::size_t r = 0; r < count; ++r) {
            out[first + r].assign(at(n), 0.0);
            rows[r] = out[first + r].data();
        }
        for (std::int64_t c = 0; c < n; ++c) {
            bool any = false;
            for (std::size_t r = 0; r < count; ++r) {
                factors[r] = left[first + r][at(c)];
                any = any || factors[r] != 0.0;
            }
            if (any) add_scaled_rows({rows, count}, problem.row(c).data(), {factors, count}, n);
        }
    }
}

}  // namespace

RoundedRow::RoundedRow(const RoundingProblem& problem, std::span<const double> weight,
                       std::vector<Grid> grids)
    : problem_(&problem), weight_(weight), grids_(std::move(grids)) {
    AOCQ_EXPECT(static_cast<std::int64_t>(weight.size()) == problem.columns());
    AOCQ_EXPECT(static_cast<std::int64_t>(grids_.size()) * problem.group() == problem.columns());
    codes_.resize(weight.size());
    for (std::int64_t c = 0; c < problem.columns(); ++c)
        codes_[at(c)] = nearest(weight[at(c)], grids_[at(c / problem.group())]);
}

std::int32_t RoundedRow::nearest(double value, const Grid& grid) const {
    const double code = std::nearbyint(value / static_cast<double>(grid.scale)) + grid.zero_point;
    const double top = largest_code(problem_->bits());
    return static_cast<std::int32_t>(std::clamp(code, 0.0, top));
}

double RoundedRow::value(std::int64_t c) const {
    const Grid& grid = grids_[at(c / problem_->group())];
    return static_cast<double>(codes_[at(c)] - grid.zero_point) * static_cast<double>(grid.scale);
}

std::vector<double> RoundedRow::difference() const {
    std::vector<double> all(codes_.size());
    for (std::size_t c = 0; c < all.size(); ++c)
        all[c] = value(static_cast<std::int64_t>(c)) - weight_[c];
    return all;
}

void update_gradients(std::span<RoundedRow> rows) {
    std::vector<std::vector<double>> differences, products;
    std::vector<RoundedRow*> open;
    for (RoundedRow& row : rows) {
        if (!row.gradient_.empty()) continue;
        open.push_back(&row);
        differences.push_back(row.difference());
    }
    if (open.empty()) return;
    products.resize(open.size());
    multiply(*open.front()->problem_, differences, products);
    for (std::size_t r = 0; r < open.size(); ++r) open[r]->gradient_ = std::move(products[r]);
}

void sweep(std::span<RoundedRow> rows) {
    if (rows.empty()) return;
    const RoundingProblem& problem = *rows.front().problem_;
    const std::int64_t n = problem.columns();
    for (std::size_t first = 0; first < rows.size(); first += tile) {
        const std::size_t count = std::min(tile, rows.size() - first);
        std::vector<double> left[tile];  // what is still to be rounded, in the order of the sweep
        double* places[tile] = {};
        double errors[tile] = {};
        for (std::size_t r = 0; r < count; ++r) {
            left[r].resize(at(n));
            for (std::int64_t i = 0; i < n; ++i)
                left[r][at(i)] = rows[first + r].weight_[at(problem.column_at(i))];
        }
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t c = problem.column_at(i);
            const double* u = problem.factor_at(i);
            for (std::size_t r = 0; r < count; ++r) {
                RoundedRow& row = rows[first + r];
                row.codes_[at(c)] =
                    row.nearest(left[r][at(i)], row.grids_[at(c / problem.group())]);
                errors[r] = -(left[r][at(i)] - row.value(c)) / u[0];
                places[r] = left[r].data() + i;
            }
            add_scaled_rows({places, count}, u, {errors, count}, n - i);
        }
        for (std::size_t r = 0; r < count; ++r) rows[first + r].gradient_.clear();
    }
}

std::int64_t RoundedRow::descend() {
    update_gradients({this, 1});
    const std::int64_t n = problem_->columns();
    std::int64_t moved = 0;
    for (std::int64_t c = 0; c < n; ++c) {
        const double curvature = problem_->diagonal(c);
        if (!(curvature > 0)) continue;
        const Grid& grid = grids_[at(c / problem_->group())];
        const double wanted = value(c) - gradient_[at(c)] / curvature;
        const std::int32_t code = nearest(wanted, grid);
        const double step =
            static_cast<double>(code - codes_[at(c)]) * static_cast<double>(grid.scale);
        if (step == 0.0 || step * (2 * gradient_[at(c)] + step * curvature) >= 0) continue;
        codes_[at(c)] = code;
        add_scaled(gradient_.data(), problem_->row(c).data(), step, n);
        ++moved;
    }
    return moved;
}

void refit_scales(std::span<RoundedRow> rows) {
    if (rows.empty()) return;
    update_gradients(rows);
    const RoundingProblem& problem = *rows.front().problem_;
    const std::int64_t n = problem.columns(), group = problem.group();
    std::vector<std::vector<double>> levels(rows.size()), images(rows.size());
    for (std::int64_t first = 0; first < n; first += group) {
        const std::size_t g = at(first / group);
        for (std::size_t r = 0; r < rows.size(); ++r) {
            levels[r].assign(at(n), 0.0);
            for (std::int64_t c = first; c < first + group; ++c)
                levels[r][at(c)] = rows[r].codes_[at(c)] - rows[r].grids_[g].zero_point;
        }
        multiply(problem, levels, images);
        for (std::size_t r = 0; r < rows.size(); ++r) rows[r].refit_group(g, images[r]);
    }
}

// `image`: H v for the levels v of the group, zero elsewhere. d/ds of the error with everything
// else fixed: s += -(v^T gradient) / (v^T H v)
void RoundedRow::refit_group(std::size_t g, std::span<const double> image) {
    const std::int64_t group = problem_->group();
    const std::int64_t first = static_cast<std::int64_t>(g) * group;
    double slope = 0, curvature = 0;
    for (std::int64_t c = first; c < first + group; ++c) {
        const double v = codes_[at(c)] - grids_[g].zero_point;
        slope += v * gradient_[at(c)];
        curvature += v * image[at(c)];
    }
    if (!(curvature > 0)) return;
    const auto scale = static_cast<float>(grids_[g].scale - slope / curvature);
    if (!(scale > std::numeric_limits<float>::min()) || !std::isfinite(scale)) return;
    const double step = static_cast<double>(scale) - static_cast<double>(grids_[g].scale);
    // The scale is a float: the step it takes may miss the minimum by more than it gains.
    if (step * (2 * slope + step * curvature) >= 0) return;
    grids_[g].scale = scale;
    add_scaled(gradient_.data(), image.data(), step, problem_->columns());
}

void RoundedRow::set_codes(std::span<const std::int32_t> codes) {
    AOCQ_EXPECT(codes.size() == codes_.size());
    codes_.assign(codes.begin(), codes.end());
    gradient_.clear();
}

void RoundedRow::set_weight(std::span<const double> weight) {
    AOCQ_EXPECT(weight.size() == weight_.size());
    weight_ = weight;
    gradient_.clear();
}

double RoundedRow::error() {
    update_gradients({this, 1});
    double sum = 0;
    for (std::int64_t c = 0; c < problem_->columns(); ++c)
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
        const double zero = grid.zero_point;
        const double error = weighted_error(
            values.data(), importance.data(), static_cast<std::int64_t>(values.size()),
            {1.0 / static_cast<double>(grid.scale), grid.scale, -zero, top - zero});
        if (error < least) {
            least = error;
            best = grid;
        }
    }
    return best;
}

}  // namespace aocq::quant
