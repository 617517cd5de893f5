// SPDX-License-Identifier: Apache-2.0
// What Decode.cpp and the two format readers share; not for users of the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/Image.hpp"

namespace aocq::data {

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name);
Image decode_png(std::span<const std::byte> bytes, std::string_view name);

[[noreturn]] void fail_decoding(std::string_view name, std::string reason);

// Throws where the size is not positive or beyond the limits of Decode.hpp.
void check_image_size(std::uint32_t width, std::uint32_t height, std::string_view name);

}  // namespace aocq::data
