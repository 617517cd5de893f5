// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG files to RGB, byte for byte what Pillow's open(...).convert("RGB") gives, because a
// published accuracy was measured on those bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "data/Image.hpp"

namespace aocq::data {

inline constexpr int max_image_side = 65500;  // libjpeg's own limit
inline constexpr std::int64_t max_image_pixels = std::int64_t{1} << 28;

// The format is told by the first bytes, never by the name, which only serves messages.
// - JPEG: grey, YCbCr, RGB, CMYK and YCCK (inverted as Adobe writes it, like Pillow assumes);
//   slow-integer DCT and fancy upsampling, libjpeg's defaults. EXIF rotation is ignored.
// - PNG: every type and depth, interlaced or not. Alpha and tRNS are dropped, not composed, gamma
//   is ignored; of 16-bit samples the high byte stays. For 16-bit grey this differs from Pillow,
//   which clips at 255 and so turns nearly every such picture white.
// Throws Error::input naming the file where it is damaged or ends early, is neither JPEG nor PNG,
// or is larger than the limits above (checked before the pixels are allocated). A decoder's warning
// is no error unless it says that pixels are missing.
Image decode(std::span<const std::byte> bytes, std::string_view name);

Image decode_file(const std::filesystem::path& file);

}  // namespace aocq::data
