// SPDX-License-Identifier: Apache-2.0
// Uniform quantization in one pass near memory speed; bit for bit what
// quant/reference/Reference.hpp says. All functions are single-threaded (callers split the outer
// axis) and need no scratch beyond one row of parameters.
#pragma once

#include <cstdint>
#include <span>

#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Layout.hpp"

namespace aocq::quant {

// y = xhat(x), x and y [layout.size()]; grids [layout.channels]; bits 2..16. y may be x itself, but
// must not overlap it otherwise.
void fake_quant(std::span<const float> x, std::span<float> y, const Layout& layout,
                std::span<const Grid> grids, int bits);

// Per token: each of the rows of `columns` values gets the grid of its own minimum and maximum. A
// row that contains a value that is not finite becomes NaN throughout.
void fake_quant_dynamic(std::span<const float> x, std::span<float> y, std::int64_t columns,
                        int bits, Symmetry symmetry);

// The codes themselves, bits 2..8; NaN has code 0.
void quantize_codes(std::span<const float> x, const Layout& layout, std::span<const Grid> grids,
                    int bits, std::span<std::uint8_t> codes);

// y = (q - z) * scale. dequantize(quantize_codes(x)) equals fake_quant(x) bit by bit where x is not
// NaN.
void dequantize(std::span<const std::uint8_t> codes, const Layout& layout,
                std::span<const Grid> grids, std::span<float> y);

}  // namespace aocq::quant
