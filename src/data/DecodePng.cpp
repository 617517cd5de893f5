// SPDX-License-Identifier: Apache-2.0
// PNG through libpng. libpng leaves by longjmp, so every call into it sits in a small member
// function that has no object with a destructor and answers false after an error.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "core/Error.hpp"
#include "data/Decode.hpp"
#include "data/Decoders.hpp"

namespace aocq::data {
namespace {

class PngReader {
  public:
    explicit PngReader(std::span<const std::byte> bytes) : rest_(bytes) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error,
                                      [](png_structp, png_const_charp) {});
        if (png_) info_ = png_create_info_struct(png_);
        if (!info_) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            throw Error::environment("libpng cannot start")
                .because("out of memory or another version than at build time");
        }
    }
    ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngReader(const PngReader&) = delete;
    PngReader& operator=(const PngReader&) = delete;

    bool read_header() {
        if (setjmp(escape_)) return false;
        png_set_read_fn(png_, this, on_read);
        // Our own size check speaks better; these are the format's limits.
        png_set_user_limits(png_, 0x7FFFFFFF, 0x7FFFFFFF);
        // Like Pillow, indices beyond the palette are black and no error.
        png_set_check_for_invalid_index(png_, 0);
        png_read_info(png_, info_);
        return true;
    }

    bool start() {
        if (setjmp(escape_)) return false;
        const int depth = png_get_bit_depth(png_, info_);
        const int colour = png_get_color_type(png_, info_);
        if (has_palette()) {
            png_set_packing(png_);
        } else {
            if (depth == 16) png_set_strip_16(png_);
            if (depth < 8) png_set_expand_gray_1_2_4_to_8(png_);
            if (colour & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png_);
            if (!(colour & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png_);
        }
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        return true;
    }

    bool read_rows(std::span<std::uint8_t*> rows) {
        if (setjmp(escape_)) return false;
        png_read_image(png_, rows.data());
        png_read_end(png_, nullptr);
        return true;
    }

    // Fills the colours of the file's palette; the caller's black stays for indices beyond it.
    bool read_palette(std::array<std::array<std::uint8_t, 3>, 256>& palette) {
        if (setjmp(escape_)) return false;
        png_colorp colours = nullptr;
        int count = 0;
        png_get_PLTE(png_, info_, &colours, &count);
        for (int i = 0; i < count && i < 256; ++i) {
            palette[static_cast<std::size_t>(i)] = {colours[i].red, colours[i].green,
                                                    colours[i].blue};
        }
        return true;
    }

    std::uint32_t width() const { return png_get_image_width(png_, info_); }
    std::uint32_t height() const { return png_get_image_height(png_, info_); }
    std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
    bool has_palette() const { return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE; }
    const char* message() const { return message_; }

  private:
    [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
        auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
        std::snprintf(reader->message_, sizeof reader->message_, "%s", message);
        std::longjmp(reader->escape_, 1);
    }

    static void on_read(png_structp png, png_bytep target, std::size_t size) {
        auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
        if (size > reader->rest_.size()) png_error(png, "the file ends early");
        std::memcpy(target, reader->rest_.data(), size);
        reader->rest_ = reader->rest_.subspan(size);
    }

    std::span<const std::byte> rest_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf escape_;
    char message_[256] = {};
};

void read_rows(PngReader& reader, std::uint8_t* target, std::size_t stride, int height,
               std::string_view name) {
    AOCQ_ASSERT(reader.row_bytes() == stride);
    std::vector<std::uint8_t*> rows;
    for (int y = 0; y < height; ++y) rows.push_back(target + static_cast<std::size_t>(y) * stride);
    if (!reader.read_rows(rows)) fail_decoding(name, reader.message());
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view name) {
    PngReader reader(bytes);
    if (!reader.read_header()) fail_decoding(name, reader.message());
    check_image_size(reader.width(), reader.height(), name);
    if (!reader.start()) fail_decoding(name, reader.message());
    Image image = make_image(static_cast<int>(reader.width()), static_cast<int>(reader.height()));
    if (!reader.has_palette()) {
        read_rows(reader, image.rgb.data(), image.row_bytes(), image.height, name);
        return image;
    }
    std::array<std::array<std::uint8_t, 3>, 256> palette{};
    if (!reader.read_palette(palette)) fail_decoding(name, reader.message());
    std::vector<std::uint8_t> indices(image.rgb.size() / 3);
    read_rows(reader, indices.data(), static_cast<std::size_t>(image.width), image.height, name);
    for (std::size_t i = 0; i < indices.size(); ++i) {
        std::memcpy(image.rgb.data() + i * 3, palette[indices[i]].data(), 3);
    }
    return image;
}

}  // namespace aocq::data
