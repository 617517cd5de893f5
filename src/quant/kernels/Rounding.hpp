// SPDX-License-Identifier: Apache-2.0
// Rounding one row of a weight so that its output error is small: minimise (w^ - w)^T H (w^ - w)
// over the codes of w^, H = sum of weighted outer products of the layer's inputs. All in double,
// rows do not see each other, so any order and any grouping of rows gives the same bits. Several
// rows at a time read the moments once, which is what the time goes into.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// What all rows of a layer share.
class RoundingProblem {
  public:
    // hessian [C, C], symmetric, positive on its diagonal; `damping` is added to the diagonal for
    // the sweep only, as a share of its mean. Error(numeric) where it is not positive definite even
    // so. One grid serves `group` columns.
    RoundingProblem(std::vector<double> hessian, std::int64_t columns, std::int64_t group, int bits,
                    double damping);

    std::int64_t columns() const { return columns_; }
    std::int64_t group() const { return group_; }
    int bits() const { return bits_; }
    std::span<const double> row(std::int64_t c) const {
        return {hessian_.data() + c * columns_, static_cast<std::size_t>(columns_)};
    }
    double diagonal(std::int64_t c) const {
        return hessian_[static_cast<std::size_t>(c * columns_ + c)];
    }

    // What the sweep needs: the column at place i of its order, and from there on row i of the
    // upper Cholesky factor of the inverse, in that order.
    std::int64_t column_at(std::int64_t i) const { return order_[static_cast<std::size_t>(i)]; }
    const double* factor_at(std::int64_t i) const { return factor_.data() + i * columns_ + i; }

  private:
    void factorize(double damping);

    std::vector<double> hessian_;  // [C, C]
    std::int64_t columns_, group_;
    int bits_;
    std::vector<std::int64_t> order_;  // columns in order of falling diagonal
    std::vector<double> factor_;       // [C, C] upper Cholesky factor of the inverse, in that order
};

class RoundedRow;
// RoundedRow's methods for many rows of one problem: what every row alone gives, bit by bit.
void sweep(std::span<RoundedRow> rows);
void refit_scales(std::span<RoundedRow> rows);
// What error() and descend() need and otherwise make row by row.
void update_gradients(std::span<RoundedRow> rows);

class RoundedRow {
  public:
    // weight [C], which must outlive the row; grids [C / group]. Starts with every value rounded to
    // the nearest code.
    RoundedRow(const RoundingProblem& problem, std::span<const double> weight,
               std::vector<Grid> grids);

    // Column by column, each one's error made good by the columns after it (GPTQ, arXiv 2210.17323,
    // equations 2 and 3; columns with large diagonal first).
    void sweep() { quant::sweep({this, 1}); }
    // Cyclic coordinate descent: every code moves to where the error is smallest while the others
    // stay. Never raises the error. Returns how many codes moved.
    std::int64_t descend();
    // The scale of each grid for the codes as they are, in closed form; codes stay.
    void refit_scales() { quant::refit_scales({this, 1}); }

    // Codes found elsewhere, one per column.
    void set_codes(std::span<const std::int32_t> codes);
    // Another weight for the same codes, grids and columns.
    void set_weight(std::span<const double> weight);

    double error();  // (w^ - w)^T H (w^ - w)
    std::span<const Grid> grids() const { return grids_; }
    std::span<const std::int32_t> codes() const { return codes_; }
    double value(std::int64_t c) const;

    // value(c) - weight, for all columns.
    std::vector<double> difference() const;

  private:
    friend void sweep(std::span<RoundedRow> rows);
    friend void refit_scales(std::span<RoundedRow> rows);
    friend void update_gradients(std::span<RoundedRow> rows);

    std::int32_t nearest(double value, const Grid& grid) const;
    void refit_group(std::size_t g, std::span<const double> image);

    const RoundingProblem* problem_;
    std::span<const double> weight_;
    std::vector<Grid> grids_;
    std::vector<std::int32_t> codes_;
    std::vector<double> gradient_;  // H (w^ - w); empty until it is needed
};

// The grid of one row part with the smallest sum of importance * (w - w^)^2 over ranges shrunk from
// the extremes down to `last` in `steps` steps. importance [n] like the values.
Grid fit_weighted(std::span<const double> values, std::span<const double> importance, int bits,
                  Symmetry symmetry, double last, int steps);

}  // namespace aocq::quant
