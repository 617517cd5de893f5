// SPDX-License-Identifier: Apache-2.0
#include "data/Decode.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "data/Decoders.hpp"

namespace aocq::data {
namespace {

constexpr std::string_view jpeg_magic = "\xFF\xD8\xFF";
constexpr std::string_view png_magic = "\x89PNG\r\n\x1A\n";

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Image make_image(int width, int height) {
    AOCQ_EXPECT(width > 0 && height > 0);
    Image image{width, height, {}};
    image.rgb.resize(image.row_bytes() * static_cast<std::size_t>(height));
    return image;
}

void fail_decoding(std::string_view name, std::string reason) {
    throw Error::input("cannot decode an image")
        .because(std::move(reason))
        .advise("replace the file or take it out of the dataset")
        .at("file", std::string(name));
}

void check_image_size(std::uint32_t width, std::uint32_t height, std::string_view name) {
    if (width == 0 || height == 0) fail_decoding(name, "it has no pixels");
    if (width > max_image_side || height > max_image_side ||
        std::int64_t{width} * height > max_image_pixels) {
        throw Error::input("image is too large")
            .advise("make it smaller")
            .at("file", std::string(name))
            .found(fmt::format("{} x {}", width, height))
            .wanted(fmt::format("sides up to {}, {} pixels", max_image_side, max_image_pixels));
    }
}

Image decode(std::span<const std::byte> bytes, std::string_view name) {
    if (starts_with(bytes, jpeg_magic)) return decode_jpeg(bytes, name);
    if (starts_with(bytes, png_magic)) return decode_png(bytes, name);
    if (bytes.empty()) fail_decoding(name, "the file is empty");
    fail_decoding(name, "it is neither JPEG nor PNG");
}

Image decode_file(const std::filesystem::path& file) {
    constexpr std::uint64_t limit = std::uint64_t{1} << 30;  // more than any allowed image needs
    const std::string text = read_text(file, limit);
    return decode(std::as_bytes(std::span(text)), file.string());
}

}  // namespace aocq::data
