// SPDX-License-Identifier: Apache-2.0
// Fake quantization as functions that gradients are taken of, made of the fused kernels: what a
// block is run with while its quantizers are learned.
#pragma once

#include <ATen/ATen.h>

#include "quant/Quantization.hpp"

namespace aocq::quant {

// x [outer, channels, inner] f32 on grids and back, with LSQ's gradients to x, scale and zero
// (StepGradient.hpp). scale, zero [channels] f32 on the CPU, zero whole numbers. Where `kept` (u8,
// as many values, undefined: none) is not 0, x stays as it is.
at::Tensor round_to_steps(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero,
                          int bits, const at::Tensor& kept);

// A fitted quantizer of any kind: static uniform ones pass no gradient outside their range, all
// others pass it straight through.
at::Tensor round_to_quantizer(const at::Tensor& x, const Site& site, const Quantizer& quantizer,
                              const at::Tensor& kept);

}  // namespace aocq::quant
