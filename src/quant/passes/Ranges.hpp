// SPDX-License-Identifier: Apache-2.0
// Grids for calibration values that a pass holds in its hands (statistics know only the values of
// the original model).
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "quant/Quantization.hpp"
#include "quant/kernels/Observers.hpp"

namespace aocq::quant {

// The range with the smallest mean square error, from `most` evenly spaced values and the exact
// extremes; both ends searched (METHODS 0.5, "Base"). x: any shape, f32, CPU.
Range fit_range(const at::Tensor& x, int bits, Symmetry symmetry, std::int64_t most = 8192,
                int steps = 100);

// A static quantizer's grids for values x of a site, as its scheme cuts them (tensor, channel or
// head), by fit_range; a dynamic one needs none; a logarithmic one gets the largest value; a
// twin one its two grids.
void fit_quantizer(const at::Tensor& x, const Site& site, Quantizer& quantizer);

// A static quantizer's grids for all values x of its site by an observer that takes raw values
// (Observers.hpp); a logarithmic one gets the scale of the observer's upper end, or of the best
// candidate.
void observe(const at::Tensor& x, const Site& site, Quantizer& quantizer,
             const ObserverOptions& options, RangeEnds ends = RangeEnds::with_zero);

// Grids of a weight by mean square error per part (rows, groups).
void fit_weight_quantizer(const at::Tensor& weight, const Site& site, Quantizer& quantizer,
                          int steps = 100);

}  // namespace aocq::quant
