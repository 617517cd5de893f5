// SPDX-License-Identifier: Apache-2.0
// The uniform quantization grid and how it follows from a range. Codes are always 0..2^b-1; a
// symmetric grid is one whose zero point is 2^(b-1), so every codec and the integer runtime see one
// kind of code.
//
// The semantics everywhere, in float32 and in this order (inv = 1.0f / scale, computed once):
//   q = clamp(round_half_even(x * inv) + zero_point, 0, 2^b - 1),   xhat = float(q - zero_point) *
//   scale
// +-inf and huge x clamp to the end codes; NaN stays NaN in xhat (so that it is noticed) and has
// code 0 where a code must be given; xhat is never -0.
#pragma once

#include <cstdint>

#include "core/EnumTable.hpp"

namespace aocq::quant {

struct Grid {
    float scale = 1.0F;
    std::int32_t zero_point = 0;
    bool operator==(const Grid&) const = default;
};

enum class Symmetry { symmetric, asymmetric };
inline constexpr EnumTable<Symmetry, 2> symmetry_names{
    {{{Symmetry::symmetric, "symmetric"}, {Symmetry::asymmetric, "asymmetric"}}}};

inline constexpr int min_bits = 2;
inline constexpr int max_bits = 16;      // for fake quantization
inline constexpr int max_code_bits = 8;  // where codes are stored in bytes

constexpr std::int32_t largest_code(int bits) {
    return (std::int32_t{1} << bits) - 1;
}

// The grid for [low, high], which is first extended to contain 0; every value of the range then
// lies at most half a step from its xhat.
//   asymmetric: scale = (high - low) / (2^b - 1), zero_point = round(-low / scale)
//   symmetric:  scale = max(-low, high) / (2^(b-1) - 1/2), zero_point = 2^(b-1)   (as in FQ-ViT and
//   PTQ4ViT)
// An empty range [0, 0] has scale 1. The scale is kept within [2^-126, 2^126], so it and its
// inverse are normal. A range that is not finite is a numeric error; low <= high is expected.
Grid grid_from_range(float low, float high, int bits, Symmetry symmetry);

// The values of the lowest and the highest code.
struct Range {
    float low = 0.0F;
    float high = 0.0F;
    bool operator==(const Range&) const = default;
};
Range range_of(const Grid& grid, int bits);

}  // namespace aocq::quant
