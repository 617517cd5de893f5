// SPDX-License-Identifier: Apache-2.0
// A static uniform quantizer whose grid follows gradients: three published parameterisations.
//   lsq   log of the step and zero point; the rounding passes gradients straight through, so that
//         d xhat / d step = q - x/step inside the range and the end code outside, times LSQ's
//         1 / sqrt(values * largest code) (arXiv 1902.08153; zero point as in LSQ+, 2004.09576)
//   pact  the ends at which values are clipped: a gradient of 1 to an end for every value beyond it
//         and none inside, ends kept small by an L2 penalty (arXiv 1805.06085)
//   dsq   the ends and the hardness of a staircase of tanh (arXiv 1908.05033), soft at first and
//         hard in the end: a smooth function, whose gradient is the exact one
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "core/EnumTable.hpp"
#include "quant/Quantization.hpp"

namespace aocq::quant {

enum class StepForm { search, lsq, pact, dsq };
inline constexpr EnumTable<StepForm, 4> step_forms{{{{StepForm::search, "search"},
                                                     {StepForm::lsq, "lsq"},
                                                     {StepForm::pact, "pact"},
                                                     {StepForm::dsq, "dsq"}}}};

// Static and uniform: what a gradient form can learn. (A logarithmic grid has a scale only, a
// dynamic one nothing.)
bool learnable(const Quantizer& quantizer);

class LearnableStep {
  public:
    // Starts at the quantizer's grids, one set of parameters for each.
    LearnableStep(StepForm form, const Site& site, Quantizer start);

    // x on the grid and back, same shape. `progress` 0..1: how far the learning is, which hardens
    // the staircase of dsq. Where `kept` (u8, as many values; undefined: nowhere) is not 0, x stays
    // as it is.
    at::Tensor operator()(const at::Tensor& x, double progress, const at::Tensor& kept = {}) const;
    // Sum over the ends of (end / its start)^2 for pact; 0 for the others.
    at::Tensor penalty() const;

    // Leaves [grids] f32 that gradients are taken for and that an optimizer moves.
    const std::vector<at::Tensor>& leaves() const { return leaves_; }
    // The grids as they are now.
    Quantizer quantizer() const;

  private:
    struct Ends {
        at::Tensor low, high;  // [grids]
    };
    Ends ends() const;
    at::Tensor lsq(const at::Tensor& x, const at::Tensor& kept) const;
    at::Tensor pact(const at::Tensor& x) const;
    at::Tensor dsq(const at::Tensor& x, double progress) const;

    StepForm form_;
    Site site_;
    Quantizer start_;
    Ends first_;
    at::Tensor first_zero_;  // [grids]
    std::vector<at::Tensor> leaves_;
};

}  // namespace aocq::quant
