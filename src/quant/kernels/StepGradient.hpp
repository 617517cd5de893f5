// SPDX-License-Identifier: Apache-2.0
// What a uniform fake quantizer passes back to its input, its scales and its zero points: LSQ's
// rule (arXiv 1902.08153; zero points as in LSQ+, 2004.09576) in one pass over the values.
#pragma once

#include <cstdint>
#include <span>

#include "core/Random.hpp"
#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Layout.hpp"

namespace aocq::quant {

// Of one grid, summed over its values.
struct StepSlopes {
    double scale = 0;
    double zero = 0;
};

// With y = xhat(x) as FakeQuant.hpp has it and gy the gradient of a loss to y, q the code:
//   gx = gy inside the range, 0 outside
//   slopes.scale = sum of gy * (q - z - x / scale) inside, gy * (end - z) outside
//   slopes.zero  = sum of -gy * scale outside
// Where `kept` is not 0 the value was left float: gx = gy and no share in the sums. `kept` may be
// empty. x, gy, gx [layout.size()]; grids, slopes [layout.channels]; bits 2..16.
void fake_quant_gradient(std::span<const float> x, std::span<const float> gy,
                         std::span<const std::uint8_t> kept, std::span<float> gx,
                         const Layout& layout, std::span<const Grid> grids, int bits,
                         std::span<StepSlopes> slopes);

// y = x where `kept` is not 0. All of one size.
void keep_values(std::span<const float> x, std::span<const std::uint8_t> kept, std::span<float> y);

// 1 with the given probability (in 256ths), otherwise 0; a value depends on key and position only.
void draw_kept(const RandomKey& key, double probability, std::span<std::uint8_t> kept);

}  // namespace aocq::quant
