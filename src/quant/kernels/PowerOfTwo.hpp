// SPDX-License-Identifier: Apache-2.0
// Grids whose steps are powers of two times one step and which share a zero point (power-of-two
// factor, FQ-ViT, arXiv 2111.13824): channels of their own width that integers can add and
// normalise after a shift.
#pragma once

#include <vector>

#include "core/EnumTable.hpp"
#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// Which step the shared zero point is counted in.
enum class ZeroFrom {
    widest,  // as the released code has it: all of the range on the widest grid
    finest,  // as the paper writes it: mostly at the end of the codes, which cuts the widest grid
};
inline constexpr EnumTable<ZeroFrom, 2> zero_from_names{
    {{{ZeroFrom::widest, "widest"}, {ZeroFrom::finest, "finest"}}}};

// Steps widest / 2^factors, .., widest / 2, widest, where the widest grid is the range's own.
std::vector<Grid> power_of_two_grids(Range range, int bits, Symmetry symmetry, int factors,
                                     ZeroFrom zero);

}  // namespace aocq::quant
