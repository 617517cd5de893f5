// SPDX-License-Identifier: Apache-2.0
// The pass "reparameterize": RepQ-ViT's scale reparameterization (arXiv 2212.08254; METHODS 3.4).
// Channel-wise grids of a linear layer's input behind a LayerNorm become one grid for all channels,
// and what they differ by goes into the norm's gain and bias and the layer's weight and bias. The
// float function does not change and neither do the input's codes. Weights get their grids anew.
// Where windows pad the map with zeros a shift is impossible: only scales are evened out then, and
// the grid covers what is left.
//   [method.reparameterize]
//   observer = "candidates"   of the changed weights; percentile, power, steps as in sequential_fit
#pragma once

#include <memory>
#include <span>

#include "quant/Pass.hpp"
#include "quant/passes/BalanceSites.hpp"

namespace aocq::quant {

struct Reparameterization {
    Balance balance;
    Grid grid;  // of the balanced input
};

// channels: asymmetric grids, one per channel. scale_c = s_c / mean(s), shift_c = (z - z_c) s_c
// with z = mean(z_c), rounded to a code: x' has the codes under `grid` that x has under its
// channel's. (The released code keeps z as a fraction, which no integer kernel can.)
Reparameterization reparameterized(std::span<const Grid> channels, int bits);

// The same without a shift: scales by the channels' largest magnitudes.
Reparameterization rescaled(std::span<const Grid> channels, int bits);

std::unique_ptr<Pass> make_reparameterize(Fields fields, Form form);

}  // namespace aocq::quant
