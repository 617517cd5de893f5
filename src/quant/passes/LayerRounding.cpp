// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerRounding.hpp"

#include <algorithm>

#include "quant/kernels/Observers.hpp"
#include "quant/passes/HalvesRounding.hpp"
#include "quant/passes/LearnedRounding.hpp"

namespace aocq::quant {
namespace {

constexpr int range_steps = 60;

std::vector<double> to_vector(const at::Tensor& x) {
    const at::Tensor flat = x.to(at::kCPU, at::kDouble).contiguous();
    return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

std::span<const double> row_of(const at::Tensor& x, std::int64_t o) {
    return {x.const_data_ptr<double>() + o * x.size(1), static_cast<std::size_t>(x.size(1))};
}

}  // namespace

LayerRounding::LayerRounding(const RoundingOptions& options, const LayerMoments& moments,
                             at::Tensor output, Quantizer& quantizer, double ridge)
    : options_(options), quantizer_(quantizer), output_(std::move(output)), ridge_(ridge) {
    // Mean one on the diagonal: the figures do not depend on the number of images.
    scale_ = std::max(moments.hessian.diagonal().mean().item<double>(), 1e-300);
    hessian_ = (moments.hessian / scale_).to(at::kCPU).contiguous();
}

at::Tensor LayerRounding::round(const at::Tensor& target) {
    target_ = target.to(at::kCPU, at::kDouble).contiguous();
    const std::int64_t columns = target.size(1);
    const SiteScheme& scheme = quantizer_.scheme;
    group_ = scheme.granularity == Granularity::group ? scheme.group : columns;
    const RoundingProblem problem(to_vector(hessian_), columns, group_, scheme.bits,
                                  options_.damping);
    auto grids = first_grids(to_vector(target_));
    Rows rows;
    for (std::int64_t o = 0; o < target_.size(0); ++o)
        rows.emplace_back(problem, row_of(target_, o),
                          std::move(grids[static_cast<std::size_t>(o)]));
    nearest_error_ = total_error(rows);
    solve(rows);
    error_ = total_error(rows);
    return on_grid(rows);
}

// Ranges by the error weighted with the diagonal of H, per row and group.
std::vector<std::vector<Grid>> LayerRounding::first_grids(const std::vector<double>& values) const {
    const std::int64_t rows = target_.size(0), columns = target_.size(1);
    const SiteScheme& scheme = quantizer_.scheme;
    const double last = smallest_shrink(scheme.bits);
    if (scheme.granularity == Granularity::tensor)
        return std::vector<std::vector<Grid>>(static_cast<std::size_t>(rows),
                                              {shared_grid(values, last, range_steps)});
    const std::vector<double> importance = to_vector(hessian_.diagonal());
    std::vector<std::vector<Grid>> grids;
    for (std::int64_t o = 0; o < rows; ++o) {
        auto& row = grids.emplace_back();
        for (std::int64_t c = 0; c < columns; c += group_) {
            const std::span<const double> part(values.data() + o * columns + c,
                                               static_cast<std::size_t>(group_));
            const std::span<const double> weights(importance.data() + c,
                                                  static_cast<std::size_t>(group_));
            row.push_back(
                fit_weighted(part, weights, scheme.bits, scheme.symmetry, last, range_steps));
        }
    }
    return grids;
}

// One grid for all rows: here the outputs' weights count.
Grid LayerRounding::shared_grid(const std::vector<double>& values, double last, int steps) const {
    const std::vector<double> importance =
        to_vector(at::outer(output_.diagonal(), hessian_.diagonal()));
    return fit_weighted(values, importance, quantizer_.scheme.bits, quantizer_.scheme.symmetry,
                        last, steps);
}

void LayerRounding::solve(Rows& rows) {
    if (options_.solver == Solver::nearest) return;
    if (options_.solver == Solver::halves) return halve(rows);
    if (options_.solver == Solver::learned) {
        learn_from_target(rows);
    } else {
        sweep(rows);
    }
    if (options_.solver == Solver::sweep) return;
    descend(rows);
    if (options_.refinement == Refinement::learned) refine(rows);
    if (options_.output == OutputForm::full) couple(rows);
}

void LayerRounding::descend(Rows& rows) const {
    update_gradients(rows);
    for (int round = 0; round < options_.rounds; ++round) {
        std::int64_t moved = 0;
        for (RoundedRow& row : rows) moved += row.descend();
        if (quantizer_.scheme.granularity != Granularity::tensor) refit_scales(rows);
        if (moved == 0) break;
    }
    for (RoundedRow& row : rows) row.descend();
}

// The rows' grids, spread over their columns.
LayerRounding::Placed LayerRounding::placed(const Rows& rows) const {
    Placed grids{at::empty_like(target_), at::empty_like(target_)};
    for (std::size_t o = 0; o < rows.size(); ++o) {
        for (std::int64_t c = 0; c < target_.size(1); c += group_) {
            const Grid& grid = rows[o].grids()[static_cast<std::size_t>(c / group_)];
            const auto row = static_cast<std::int64_t>(o);
            grids.scales.select(0, row).narrow(0, c, group_).fill_(static_cast<double>(grid.scale));
            grids.zeros.select(0, row).narrow(0, c, group_).fill_(grid.zero_point);
        }
    }
    return grids;
}

void LayerRounding::halve(Rows& rows) const {
    const auto [scales, zeros] = placed(rows);
    const at::Tensor codes =
        round_by_halves(target_, scales, zeros, hessian_, largest_code(quantizer_.scheme.bits),
                        {.ridge = ridge_})
            .to(at::kInt)
            .contiguous();
    const std::int64_t columns = target_.size(1);
    for (std::size_t o = 0; o < rows.size(); ++o) {
        const auto first = static_cast<std::int64_t>(o) * columns;
        rows[o].set_codes(
            {codes.const_data_ptr<std::int32_t>() + first, static_cast<std::size_t>(columns)});
    }
}

// Codes lower + {0, 1} of every weight, learned from where h = share; rows that got worse keep what
// they had.
void LayerRounding::learn(Rows& rows, const at::Tensor& lower, const at::Tensor& share) const {
    const std::int64_t columns = target_.size(1);
    const auto [scales, zeros] = placed(rows);
    SoftOptions learned;
    learned.iterations = options_.schedule == Schedule::full ? 20000 : 500;
    learned.rate = options_.schedule == Schedule::full ? 1e-3 : 2e-2;
    const at::Tensor codes = learn_codes({target_ / scales + zeros, lower, share, scales}, hessian_,
                                         largest_code(quantizer_.scheme.bits), learned)
                                 .to(at::kInt)
                                 .contiguous();
    for (std::size_t o = 0; o < rows.size(); ++o) {
        const std::vector<std::int32_t> before(rows[o].codes().begin(), rows[o].codes().end());
        const double error = rows[o].error();
        const auto first = static_cast<std::int64_t>(o) * columns;
        rows[o].set_codes(
            {codes.const_data_ptr<std::int32_t>() + first, static_cast<std::size_t>(columns)});
        if (rows[o].error() > error) rows[o].set_codes(before);
    }
}

// AdaRound's start: the codes below and above the weight, h the fraction between them.
void LayerRounding::learn_from_target(Rows& rows) const {
    at::Tensor position = at::empty_like(target_);
    double* out = position.mutable_data_ptr<double>();
    for (std::size_t o = 0; o < rows.size(); ++o) {
        for (std::int64_t c = 0; c < target_.size(1); ++c) {
            const Grid& grid = rows[o].grids()[static_cast<std::size_t>(c / group_)];
            const auto weight = row_of(target_, static_cast<std::int64_t>(o));
            *out++ = weight[static_cast<std::size_t>(c)] / static_cast<double>(grid.scale) +
                     grid.zero_point;
        }
    }
    const at::Tensor lower = at::floor(position);
    learn(rows, lower, position - lower);
}

// From the codes as they are: every code may change to its neighbour on the side to which the error
// falls.
void LayerRounding::refine(Rows& rows) const {
    const std::int64_t columns = target_.size(1);
    at::Tensor codes = at::empty_like(target_), missed = at::empty_like(target_);
    double *code = codes.mutable_data_ptr<double>(), *miss = missed.mutable_data_ptr<double>();
    for (RoundedRow& row : rows) {
        const std::vector<double> difference = row.difference();
        for (std::int64_t c = 0; c < columns; ++c) {
            *code++ = row.codes()[static_cast<std::size_t>(c)];
            *miss++ = difference[static_cast<std::size_t>(c)];
        }
    }
    const at::Tensor falls_upwards = at::mm(missed, hessian_) < 0;
    const at::Tensor lower = at::where(falls_upwards, codes, codes - 1);
    // Well on the side of the present code.
    constexpr double near = 0.2;
    learn(rows, lower,
          at::where(falls_upwards, at::full_like(codes, near), at::full_like(codes, 1.0 - near)));
    descend(rows);
}

// Block coordinate descent over rows on tr(G D H D^T), D the rows' errors: with the other rows
// fixed, row o has the error g_oo (d - m) H (d - m)^T + const with m = -sum over the others of
// g_op d_p / g_oo, so its codes descend for the weight w_o + m. No step raises the sum.
void LayerRounding::couple(Rows& rows) {
    at::Tensor errors = at::empty_like(target_);
    const auto count = static_cast<std::int64_t>(rows.size());
    const auto store = [&](std::int64_t o) {
        const std::vector<double> d = rows[static_cast<std::size_t>(o)].difference();
        std::copy(d.begin(), d.end(), errors.mutable_data_ptr<double>() + o * errors.size(1));
    };
    for (std::int64_t o = 0; o < count; ++o) store(o);
    for (int round = 0; round < std::max(1, options_.rounds); ++round) {
        std::int64_t moved = 0;
        for (std::int64_t o = 0; o < count; ++o) {
            const at::Tensor shares = output_[o].clone();
            shares[o] = 0.0;
            const at::Tensor wanted =
                target_[o] - at::mv(errors.t(), shares) / output_[o][o].item<double>();
            const std::vector<double> weight = to_vector(wanted);
            RoundedRow& row = rows[static_cast<std::size_t>(o)];
            row.set_weight(weight);
            moved += row.descend();
            row.set_weight(row_of(target_, o));
            store(o);
        }
        if (moved == 0) break;
    }
}

double LayerRounding::total_error(Rows& rows) const {
    update_gradients(rows);
    double sum = 0;
    if (options_.output != OutputForm::full) {
        for (std::size_t o = 0; o < rows.size(); ++o) {
            const auto row = static_cast<std::int64_t>(o);
            sum += rows[o].error() * output_.const_data_ptr<double>()[row * output_.size(1) + row];
        }
        return sum;
    }
    at::Tensor errors = at::empty_like(target_);
    double* out = errors.mutable_data_ptr<double>();
    for (const RoundedRow& row : rows) {
        const std::vector<double> difference = row.difference();
        out = std::copy(difference.begin(), difference.end(), out);
    }
    return (at::mm(output_, errors) * at::mm(errors, hessian_)).sum().item<double>();
}

at::Tensor LayerRounding::on_grid(Rows& rows) {
    const std::int64_t columns = target_.size(1);
    at::Tensor rounded = at::empty({target_.size(0), columns});
    float* out = rounded.mutable_data_ptr<float>();
    std::vector<Grid> all;
    for (const RoundedRow& row : rows) {
        for (std::int64_t c = 0; c < columns; ++c) {
            const Grid& grid = row.grids()[static_cast<std::size_t>(c / group_)];
            *out++ =
                static_cast<float>(row.codes()[static_cast<std::size_t>(c)] - grid.zero_point) *
                grid.scale;
        }
        all.insert(all.end(), row.grids().begin(), row.grids().end());
    }
    if (quantizer_.scheme.granularity == Granularity::tensor) all.resize(1);
    quantizer_.grids = std::move(all);
    quantizer_.fitted = true;
    return rounded;
}

}  // namespace aocq::quant
