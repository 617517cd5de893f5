// SPDX-License-Identifier: Apache-2.0
// How far a weight may be moved to make good the error of its quantized input: what the moments of
// some images ask for is tried on others.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "quant/passes/LayerMoments.hpp"

namespace aocq::quant {

// What the change D = W~ - W of a weight adds to the error of the layer's output, per unit of
// weight of the rows: E|W~ x - W u|^2 - E|W x - W u|^2, means left out. Negative: a gain.
// weight, change [O, C] f64.
double compensation_error(const at::Tensor& weight, const at::Tensor& change,
                          const LayerMoments& moments);

// The ridge (share of the mean diagonal, see compensated()) with the smallest error when each
// part's moments are used for the other: 0.01, 0.1, 1, 10 or 100; nothing where every one of them
// does harm there. Both parts have a cross term. weight [O, C].
std::optional<double> choose_ridge(const at::Tensor& weight, const LayerMoments& one,
                                   const LayerMoments& other);

}  // namespace aocq::quant
