// SPDX-License-Identifier: Apache-2.0
// The error that a quantizer makes on weighted rows, in one pass where a kernel can do it.
#pragma once

#include <ATen/ATen.h>

#include "quant/Quantization.hpp"
#include "quant/passes/BalanceSites.hpp"

namespace aocq::quant {

// (xhat - x) * root of every row: x [R, C], roots [R] f32.
at::Tensor rounding_error(const at::Tensor& x, const at::Tensor& roots, const Site& site,
                          const Quantizer& quantizer);

// The same of balanced values b = (x - shift) / scale, as it is seen in x: (bhat - b) * scale *
// root. The quantizer has one grid, or is dynamic.
at::Tensor rounding_error(const at::Tensor& x, const at::Tensor& roots, const Balance& balance,
                          const Quantizer& quantizer);

}  // namespace aocq::quant
