// SPDX-License-Identifier: Apache-2.0
// Logarithmic grids for attention probabilities: log2 (FQ-ViT, arXiv 2111.13824) and log sqrt2
// (RepQ-ViT, arXiv 2212.08254), single pass and free of libm, so the same bits on every host.
//   t = x * (1 / scale),  q = max(0, round(-r * log2 t)) with r = 1 or 2 (no ties: 2^(k/2) is never
//   a float) xhat = scale * 2^-q   or   scale * (2^-ceil(q/2) * (q odd ? sqrt2 : 1))
// Zero, negative values and t < 2^-126 give 0, NaN stays NaN, what lies above the scale gives the
// scale.
#pragma once

#include <cstdint>
#include <span>

#include "core/EnumTable.hpp"

namespace aocq::quant {

enum class LogBase { two, sqrt2 };
inline constexpr EnumTable<LogBase, 2> log_base_names{
    {{{LogBase::two, "log2"}, {LogBase::sqrt2, "log_sqrt2"}}}};

// Which q mean zero.
enum class LogZero {
    beyond,  // q >= 2^b, as both papers' code has it: 2^b + 1 values, so not storable in b bits
    top,     // q >= 2^b - 1: the top code is the zero, storable
};
inline constexpr EnumTable<LogZero, 2> log_zero_names{
    {{{LogZero::beyond, "beyond"}, {LogZero::top, "top"}}}};

struct LogGrid {
    float scale = 1.0F;  // normal and positive, its inverse too
    LogBase base = LogBase::two;
    LogZero zero = LogZero::beyond;
    bool operator==(const LogGrid&) const = default;
};

// y may be x itself. Bits 2..8.
void fake_quant_log(std::span<const float> x, std::span<float> y, const LogGrid& grid, int bits);

// Codes 0..2^b-1 of a grid whose zero is the top code; NaN has the top code.
void quantize_log_codes(std::span<const float> x, const LogGrid& grid, int bits,
                        std::span<std::uint8_t> codes);
void dequantize_log(std::span<const std::uint8_t> codes, const LogGrid& grid, int bits,
                    std::span<float> y);

}  // namespace aocq::quant
