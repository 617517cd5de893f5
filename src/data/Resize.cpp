// SPDX-License-Identifier: Apache-2.0
#include "data/Resize.hpp"

#include <algorithm>

#include "core/Error.hpp"
#include "data/ResizeKernels.hpp"

namespace aocq::data {

Rows make_rows(int width, int height) {
    constexpr std::size_t vector_bytes = 32;
    Rows rows{width, height, 0, {}};
    const std::size_t used = static_cast<std::size_t>(width) * 3;
    // One vector more than needed: the horizontal pass writes a byte past the last pixel.
    rows.stride = (used / vector_bytes + 2) * vector_bytes;
    rows.pixels.resize(rows.stride * static_cast<std::size_t>(height));
    return rows;
}

Image resize_crop_with(const ResizeKernels& kernels, const Image& image, const Taps& columns,
                       const Taps& rows) {
    int first = rows.start.front();
    int end = 0;
    for (std::size_t o = 0; o < rows.start.size(); ++o) {
        first = std::min(first, rows.start[o]);
        end = std::max(end, rows.start[o] + rows.length[o]);
    }
    Rows between = make_rows(columns.outputs, end - first);
    kernels.horizontal(image, first, columns, between);
    Image out = make_image(columns.outputs, rows.outputs);
    kernels.vertical(between, first, rows, out);
    return out;
}

Image resize_crop(const Image& image, int width, int height, const Box& crop,
                  Interpolation interpolation) {
    AOCQ_EXPECT(image.rgb.size() == image.row_bytes() * static_cast<std::size_t>(image.height));
    const Taps columns = resample_taps(interpolation, image.width, width, crop.left, crop.width);
    const Taps rows = resample_taps(interpolation, image.height, height, crop.top, crop.height);
    const ResizeKernels* fast = avx2_kernels();
    return resize_crop_with(fast ? *fast : portable_kernels(), image, columns, rows);
}

Image resize(const Image& image, int width, int height, Interpolation interpolation) {
    return resize_crop(image, width, height, {0, 0, width, height}, interpolation);
}

}  // namespace aocq::data
