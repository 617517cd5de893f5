// SPDX-License-Identifier: Apache-2.0
// The twin uniform grid of PTQ4ViT (arXiv 2111.12293; METHODS 3.2): one bit of a code chooses one
// of two uniform grids of b-1 bits. A value goes to the nearest level of both together, where the
// upper grid begins above the lower one's last level, so the map is monotone and idempotent:
//   top = (2^(b-1) - 1 - z0) * s0,  first = smallest k with (k - z1) * s1 > top
//   border = midpoint of top and (first - z1) * s1;  x > border ? upper : lower, clamped to its
//   ends
// NaN stays NaN and has code 0; infinite values clamp; xhat is never -0.
#pragma once

#include <cstdint>
#include <span>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

struct TwinGrid {
    Grid lower, upper;  // of b-1 bits each
    bool operator==(const TwinGrid&) const = default;
};

// How the released code of PTQ4ViT joins the two grids of attention probabilities: both parts of a
// value, below and above the lower grid's top, are rounded and added, so that values between the
// levels gain about half a step and those above the top gain the top itself.
enum class TwinJoin { disjoint, added };

struct TwinBorder {
    float top = 0.0F;        // the lower grid's last level
    float border = 0.0F;     // values above it belong to the upper grid; +inf where it has no level
    std::int32_t first = 0;  // the upper grid's first code in use
};
TwinBorder twin_border(const TwinGrid& grid, int bits);

// y may be x itself. Bits 2..8. `added` expects both grids to start at zero.
void fake_quant_twin(std::span<const float> x, std::span<float> y, const TwinGrid& grid, int bits,
                     TwinJoin join = TwinJoin::disjoint);

// Codes 0..2^b-1, the grid's bit above the others. Disjoint grids only.
void quantize_twin_codes(std::span<const float> x, const TwinGrid& grid, int bits,
                         std::span<std::uint8_t> codes);
void dequantize_twin(std::span<const std::uint8_t> codes, const TwinGrid& grid, int bits,
                     std::span<float> y);

// For attention probabilities: [0, 2^-split] and [0, 1], split 0..19.
inline constexpr int twin_splits = 20;
TwinGrid twin_of_probabilities(int split, int bits);
// The one of them with the smallest squared error of the values; ties go to the smaller split.
TwinGrid fit_twin_of_probabilities(std::span<const float> values, int bits);
// For values of both signs: 2^(b-1) negative levels down to `low`, zero and positive ones up to
// `high`. Where low could be GELU's, it is GELU's minimum -0.16997124254703522.
TwinGrid twin_of_signs(float low, float high, int bits);

}  // namespace aocq::quant
