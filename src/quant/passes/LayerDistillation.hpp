// SPDX-License-Identifier: Apache-2.0
// The pass "layer_distillation": ZeroQuant's layer-by-layer knowledge distillation (arXiv
// 2206.01861; METHODS 6) on unlabeled calibration images. A layer is a transformer block: in order,
// each block's float weights are the teacher, both sides see what the quantized blocks before it
// make, and the block's linear weights and biases learn the squared error of its output by
// straight-through gradients, the weights' grids following them. A block whose error on held-back
// images does not fall keeps what it had.
//   [method.layer_distillation]
//   iterations = 100   of Adam
//   batch = 4          images
//   rate = 1e-4        at the first iteration, falling along a cosine
//   observer = "minmax"   of the weights' grids; percentile, power, steps as in sequential_fit
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_layer_distillation(Fields fields, Form form);

}  // namespace aocq::quant
