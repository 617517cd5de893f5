// SPDX-License-Identifier: Apache-2.0
// Which input samples make an output sample, and with which weights: Pillow's precompute_coeffs and
// normalize_coeffs_8bpc, for a range of the outputs only.
#pragma once

#include <cstdint>
#include <vector>

namespace aocq::data {

enum class Interpolation { bicubic, bilinear };

inline constexpr int weight_bits = 32 - 8 - 2;  // Pillow's PRECISION_BITS

struct Taps {
    int outputs = 0;
    int stride = 0;                     // weights per output, those beyond length[o] are zero
    std::vector<int> start;             // [outputs] first input sample
    std::vector<int> length;            // [outputs] number of input samples
    std::vector<std::int32_t> weights;  // [outputs, stride], 2^weight_bits is one

    const std::int32_t* of(int output) const {
        return weights.data() + static_cast<std::size_t>(output) * static_cast<std::size_t>(stride);
    }
};

// Outputs first .. first+count-1 of resampling `input` samples to `output` samples.
Taps resample_taps(Interpolation interpolation, int input, int output, int first, int count);

}  // namespace aocq::data
