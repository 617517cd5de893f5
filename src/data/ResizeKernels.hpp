// SPDX-License-Identifier: Apache-2.0
// The two passes of a resize behind one interface, so that the portable one can vouch for the fast
// one. All arithmetic is integer and every sum fits 32 bits, so both give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/Image.hpp"
#include "data/ResampleTaps.hpp"

namespace aocq::data {

// The rows between the passes. The stride leaves room for whole vectors behind each row.
struct Rows {
    int width = 0;  // pixels
    int height = 0;
    std::size_t stride = 0;            // bytes
    std::vector<std::uint8_t> pixels;  // [height, stride] u8

    std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * stride; }
    const std::uint8_t* row(int y) const {
        return pixels.data() + static_cast<std::size_t>(y) * stride;
    }
};

Rows make_rows(int width, int height);

struct ResizeKernels {
    // Rows first .. first+out.height-1 of `image`, each resampled to taps.outputs pixels.
    void (*horizontal)(const Image& image, int first, const Taps& taps, Rows& out);
    // Resamples the columns of `rows`; row 0 is the input sample `first` of the taps.
    void (*vertical)(const Rows& rows, int first, const Taps& taps, Image& out);
};

const ResizeKernels& portable_kernels();
const ResizeKernels* avx2_kernels();  // null where the processor or the compiler has no AVX2

Image resize_crop_with(const ResizeKernels& kernels, const Image& image, const Taps& columns,
                       const Taps& rows);

}  // namespace aocq::data
