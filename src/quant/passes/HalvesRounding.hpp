// SPDX-License-Identifier: Apache-2.0
// ERQ's weight error reduction (Wqer; ICML 2024, TPAMI arXiv 2407.06794; METHODS 4.5) for all rows
// of one layer: the first half of the columns that are left is put on the grid, its rounding is
// refined, and the other half makes good its error by ridge regression; until no column is left.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace aocq::quant {

struct HalvesOptions {
    double ridge = 0.1;  // share of the mean diagonal of H
    int flips = 100;     // most changes of a row's codes in one refinement
};

// weight, scales, zeros [O, C] f64, hessian [C, C] f64 (moments of the input), codes 0..top.
// Returns codes [O, C] f64. Error(numeric) where a system cannot be solved.
at::Tensor round_by_halves(const at::Tensor& weight, const at::Tensor& scales,
                           const at::Tensor& zeros, const at::Tensor& hessian, double top,
                           const HalvesOptions& options);

// Codes of one stretch of columns, [O, n] all, changed in place: the code of the column whose error
// d has the steepest d H d of the same sign goes to its other neighbour while d H d falls.
void refine_rounding(at::Tensor& codes, const at::Tensor& weight, const at::Tensor& scales,
                     const at::Tensor& zeros, const at::Tensor& hessian, double top, int flips);

}  // namespace aocq::quant
