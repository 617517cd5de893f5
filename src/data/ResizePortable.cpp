// SPDX-License-Identifier: Apache-2.0
// The resize passes in plain C++: the reference for the vector ones and the way where there are
// none.
#include <algorithm>

#include "core/Error.hpp"
#include "data/ResizeKernels.hpp"

namespace aocq::data {
namespace {

constexpr std::int32_t half = 1 << (weight_bits - 1);

std::uint8_t clip(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

void horizontal(const Image& image, int first, const Taps& taps, Rows& out) {
    for (int y = 0; y < out.height; ++y) {
        std::uint8_t* target = out.row(y);
        for (int o = 0; o < taps.outputs; ++o, target += 3) {
            const auto at = static_cast<std::size_t>(o);
            const std::uint8_t* source = image.row(first + y) + taps.start[at] * 3;
            const std::int32_t* weights = taps.of(o);
            std::int32_t sum[3] = {half, half, half};
            for (int i = 0; i < taps.length[at]; ++i, source += 3) {
                for (int c = 0; c < 3; ++c) sum[c] += weights[i] * source[c];
            }
            for (int c = 0; c < 3; ++c) target[c] = clip(sum[c]);
        }
    }
}

void vertical(const Rows& rows, int first, const Taps& taps, Image& out) {
    const std::size_t bytes = out.row_bytes();
    std::vector<std::int32_t> sums(bytes);
    for (int o = 0; o < taps.outputs; ++o) {
        const auto at = static_cast<std::size_t>(o);
        std::fill(sums.begin(), sums.end(), half);
        for (int i = 0; i < taps.length[at]; ++i) {
            const std::uint8_t* source = rows.row(taps.start[at] - first + i);
            const std::int32_t weight = taps.of(o)[i];
            for (std::size_t x = 0; x < bytes; ++x) sums[x] += weight * source[x];
        }
        std::transform(sums.begin(), sums.end(), out.row(o), clip);
    }
}

}  // namespace

const ResizeKernels& portable_kernels() {
    static constexpr ResizeKernels kernels{horizontal, vertical};
    return kernels;
}

}  // namespace aocq::data
