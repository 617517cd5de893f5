// SPDX-License-Identifier: Apache-2.0
// Pillow's antialiased resize, byte for byte: 22-bit fixed-point taps, the horizontal pass first,
// clipped to 8 bits between the passes. Another resize moves top-1 by more than many methods gain.
#pragma once

#include "data/Image.hpp"
#include "data/ResampleTaps.hpp"

namespace aocq::data {

struct Box {
    int left = 0;
    int top = 0;
    int width = 0;
    int height = 0;
};

// The same bytes as Pillow's Image.resize((width, height)) for mode RGB. Sides must be positive.
Image resize(const Image& image, int width, int height, Interpolation interpolation);

// The same bytes as resize() followed by cutting out `crop`, which must lie inside the resized
// image; only the pixels of the crop are computed.
Image resize_crop(const Image& image, int width, int height, const Box& crop,
                  Interpolation interpolation);

}  // namespace aocq::data
