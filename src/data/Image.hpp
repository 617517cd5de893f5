// SPDX-License-Identifier: Apache-2.0
// A decoded picture: 8-bit RGB, interleaved, rows without padding. Everything after decoding works
// on this one layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aocq::data {

struct Image {
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> rgb;  // [height, width, 3] u8

    std::size_t row_bytes() const { return static_cast<std::size_t>(width) * 3; }
    const std::uint8_t* row(int y) const {
        return rgb.data() + static_cast<std::size_t>(y) * row_bytes();
    }
    std::uint8_t* row(int y) { return rgb.data() + static_cast<std::size_t>(y) * row_bytes(); }
};

// Zeroed pixels. Both sides must be positive.
Image make_image(int width, int height);

}  // namespace aocq::data
