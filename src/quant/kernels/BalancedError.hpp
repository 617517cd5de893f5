// SPDX-License-Identifier: Apache-2.0
// The error that rounding makes to balanced values, seen where the values came from: one pass in
// place of the six tensor operations that the search for a balance would need for every candidate.
#pragma once

#include <span>

#include "quant/kernels/Grid.hpp"

namespace aocq::quant {

// A channel's balance: b = (x - shift) / scale. All [columns].
struct BalancedChannels {
    std::span<const float> shift, scale;
};

// error = (xhat(b) - b) * scale * row_factor, xhat on one uniform grid of 2..16 bits. x and error
// [rows, columns], row_factors [rows]. `error` may be x itself.
void balanced_error(std::span<const float> x, std::span<float> error,
                    const BalancedChannels& balance, std::span<const float> row_factors,
                    const Grid& grid, int bits);

}  // namespace aocq::quant
