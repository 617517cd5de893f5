// SPDX-License-Identifier: Apache-2.0
// From a decoded image to a model's input, as torchvision and timm evaluate: resize of the short
// side, centre crop, normalisation, each in their order of float operations.
#pragma once

#include <array>
#include <span>

#include "core/Fields.hpp"
#include "core/Json.hpp"
#include "data/Image.hpp"
#include "data/Resize.hpp"

namespace aocq::data {

struct Preprocess {
    int image_size = 224;  // S, pixels
    double crop = 0.875;   // the share of the resized short side that the crop keeps
    Interpolation interpolation = Interpolation::bicubic;
    std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  // of values in 0 .. 1, per channel
    std::array<float, 3> std{0.229F, 0.224F, 0.225F};
    bool resize = true;  // false: images must have S x S pixels already
};

// Keys: size, crop, interpolation ("bicubic", "bilinear" or "none"), mean, std. Others are errors.
Preprocess preprocess_from(Fields fields);
Json to_json(const Preprocess& preprocess);

// The S x S pixels that the model sees: short side to floor(S / crop), then the centre. Throws
// Error::input where no resize is wanted and the image has another size.
Image crop_for(const Image& image, const Preprocess& preprocess);

// crop_for, then (x / 255 - mean) / std in float32. `out` is [3, S, S] f32.
void preprocess(const Image& image, const Preprocess& preprocess, std::span<float> out);

}  // namespace aocq::data
