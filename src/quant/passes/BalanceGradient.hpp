// SPDX-License-Identifier: Apache-2.0
// What a change of the channels' scales does to the error of rounding, as functions that gradients
// can be taken of. What a value misses of its code, in steps, is held fixed (as LSQ does,
// arXiv 1902.08153); the step follows the range that the scaled values need.
#pragma once

#include <ATen/ATen.h>

#include "quant/Quantization.hpp"
#include "quant/passes/Extremes.hpp"
#include "quant/passes/LayerError.hpp"

namespace aocq::quant {

// The weighted output error of rounding a layer's input on one grid: over `range_factor` times the
// balanced extremes, as `like` has bits and symmetry. The balance's scale may need gradients.
at::Tensor input_loss(const Rows& rows, const Extremes& extremes, const Balance& balance,
                      float range_factor, const SiteScheme& like, const LayerError& layer);

// tr(D H D^T) of rounding weight * scale [O, C] and dividing by it again, H = `moment` [C, C] f32.
// `fitted` are the grids of `at` [C], the scale to begin with; those of a row grow with its width.
class WeightLoss {
  public:
    WeightLoss(at::Tensor weight, at::Tensor moment, Quantizer fitted, const at::Tensor& at);
    at::Tensor operator()(const at::Tensor& scale) const;

  private:
    at::Tensor weight_, moment_;
    Quantizer fitted_;
    at::Tensor width_;  // [O, 1] to begin with
};

}  // namespace aocq::quant
