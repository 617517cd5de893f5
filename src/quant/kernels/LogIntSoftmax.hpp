// SPDX-License-Identifier: Apache-2.0
// Log-int-softmax (FQ-ViT, arXiv 2111.13824): from scores on a uniform grid to probabilities that
// are powers of two, in integers. With t = score / scale - max (an integer <= 0), x0 = floor(-ln 2
// / scale) and t = x0 q + r, the exponential is (r (r + b) + c) 2^(n - q) with integer b and c (the
// polynomial of I-BERT, arXiv 2101.01321); k = round(sum of the exponentials / exponential), and
// the code is log2 k rounded up from 1.5 on.
#pragma once

#include <cstdint>
#include <span>

#include "quant/kernels/LogQuant.hpp"

namespace aocq::quant {

// y = probabilities, 2^-code or 0, of each row of `keys` scores; x and y [rows * keys], y may be x.
// scale: the step of the scores, positive; values off the grid are rounded to it. Bits 2..8 of the
// codes. A row with NaN becomes NaN throughout.
void log_int_softmax(std::span<const float> x, std::span<float> y, std::int64_t keys, float scale,
                     int bits, LogZero zero);

}  // namespace aocq::quant
