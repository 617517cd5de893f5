// SPDX-License-Identifier: Apache-2.0
// One layer's weight put on its grid: codes W^ with a small tr(G (W^ - W~) H (W^ - W~)^T), H the
// input's moments and G the output factor.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "quant/Quantization.hpp"
#include "quant/kernels/Rounding.hpp"
#include "quant/passes/LayerMoments.hpp"
#include "quant/passes/RoundingOptions.hpp"

namespace aocq::quant {

class LayerRounding {
  public:
    // The quantizer's scheme says how the weight is cut; round() sets its grids. `output` [O, O]
    // f64. The references must outlive the object.
    // `ridge`: of what compensates columns by columns, as a share of H's mean diagonal.
    LayerRounding(const RoundingOptions& options, const LayerMoments& moments, at::Tensor output,
                  Quantizer& quantizer, double ridge = 0.0);

    // target W~ [O, C] f64 -> the same on its grid, f32.
    at::Tensor round(const at::Tensor& target);

    // Of nearest codes on the first grids, and in the end.
    double nearest_error() const { return nearest_error_ * scale_; }
    double error() const { return error_ * scale_; }

  private:
    using Rows = std::vector<RoundedRow>;
    using Codes = std::vector<std::vector<std::int32_t>>;

    std::vector<std::vector<Grid>> first_grids(const std::vector<double>& values) const;
    Grid shared_grid(const std::vector<double>& values, double last, int steps) const;
    void solve(Rows& rows);
    struct Placed {  // [O, C] f64 each
        at::Tensor scales, zeros;
    };
    Placed placed(const Rows& rows) const;
    void halve(Rows& rows) const;
    void descend(Rows& rows) const;
    void learn(Rows& rows, const at::Tensor& lower, const at::Tensor& share) const;
    void learn_from_target(Rows& rows) const;
    void refine(Rows& rows) const;
    void couple(Rows& rows);
    double total_error(Rows& rows) const;
    at::Tensor on_grid(Rows& rows);

    const RoundingOptions& options_;
    Quantizer& quantizer_;
    at::Tensor hessian_;  // [C, C] f64, its diagonal of mean one
    at::Tensor output_;   // [O, O] f64
    at::Tensor target_;   // [O, C] f64
    std::int64_t group_ = 0;
    double ridge_, scale_ = 1, nearest_error_ = 0, error_ = 0;
};

}  // namespace aocq::quant
