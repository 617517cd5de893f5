// SPDX-License-Identifier: Apache-2.0
// JPEG through libjpeg-turbo. libjpeg leaves by longjmp, so every call into it sits in a small
// member function that has no object with a destructor and answers false after an error.
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs the two above before it.
#include <jerror.h>
#include <jpeglib.h>

#include <span>
#include <string>

#include "data/Decoders.hpp"

namespace aocq::data {
namespace {

// A crafted progressive file of a few kilobytes can ask for thousands of passes over the image.
constexpr int max_scans = 500;

class JpegReader {
  public:
    explicit JpegReader(std::span<const std::byte> bytes) : bytes_(bytes) {
        info_.err = jpeg_std_error(&errors_);
        info_.client_data = this;
        errors_.error_exit = [](j_common_ptr info) { self(info)->leave(info); };
        errors_.emit_message = on_message;
        errors_.output_message = [](j_common_ptr) {};
        progress_.progress_monitor = on_progress;
    }
    ~JpegReader() { jpeg_destroy_decompress(&info_); }
    JpegReader(const JpegReader&) = delete;
    JpegReader& operator=(const JpegReader&) = delete;

    bool read_header() {
        if (setjmp(escape_)) return false;
        jpeg_create_decompress(&info_);
        info_.progress = &progress_;
        jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()),
                     static_cast<unsigned long>(bytes_.size()));
        jpeg_read_header(&info_, TRUE);
        return true;
    }

    bool start() {
        if (setjmp(escape_)) return false;
        info_.dct_method = JDCT_ISLOW;
        info_.do_fancy_upsampling = TRUE;
        info_.out_color_space = components() == 4 ? JCS_CMYK : JCS_RGB;
        jpeg_start_decompress(&info_);
        return true;
    }

    // All rows, `stride` bytes apart.
    bool read_rows(std::uint8_t* target, std::size_t stride) {
        if (setjmp(escape_)) return false;
        while (info_.output_scanline < info_.output_height) {
            JSAMPROW row = target + info_.output_scanline * stride;
            jpeg_read_scanlines(&info_, &row, 1);
        }
        jpeg_finish_decompress(&info_);
        return true;
    }

    std::uint32_t width() const { return info_.image_width; }
    std::uint32_t height() const { return info_.image_height; }
    int components() const { return info_.num_components; }
    const char* message() const { return message_; }

  private:
    static JpegReader* self(j_common_ptr info) {
        return static_cast<JpegReader*>(info->client_data);
    }

    [[noreturn]] void leave(j_common_ptr info) {
        errors_.format_message(info, message_);
        std::longjmp(escape_, 1);
    }

    static void on_message(j_common_ptr info, int level) {
        if (level >= 0) return;  // a trace
        // The two warnings after which libjpeg invents grey pixels.
        const int code = info->err->msg_code;
        if (code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF) self(info)->leave(info);
    }

    static void on_progress(j_common_ptr info) {
        JpegReader* reader = self(info);
        if (reader->info_.input_scan_number <= max_scans) return;
        std::snprintf(reader->message_, sizeof reader->message_, "more than %d scans", max_scans);
        std::longjmp(reader->escape_, 1);
    }

    std::span<const std::byte> bytes_;
    jpeg_decompress_struct info_{};
    jpeg_error_mgr errors_{};
    jpeg_progress_mgr progress_{};
    std::jmp_buf escape_;
    char message_[JMSG_LENGTH_MAX] = {};
};

// round(a * b / 255), Pillow's MULDIV255.
int product_255(int a, int b) {
    const int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

// Adobe writes inverted CMYK; for 8-bit values the inversion and Pillow's cmyk2rgb fold into this.
void rgb_from_inverted_cmyk(std::span<const std::uint8_t> cmyk, std::uint8_t* rgb) {
    for (std::size_t i = 0; i + 3 < cmyk.size(); i += 4, rgb += 3) {
        const int white = cmyk[i + 3];
        for (std::size_t c = 0; c < 3; ++c) {
            const int value = white - product_255(255 - cmyk[i + c], white);
            rgb[c] = static_cast<std::uint8_t>(value < 0 ? 0 : value);
        }
    }
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name) {
    JpegReader reader(bytes);
    if (!reader.read_header()) fail_decoding(name, reader.message());
    check_image_size(reader.width(), reader.height(), name);
    const int components = reader.components();
    if (components != 1 && components != 3 && components != 4) {
        fail_decoding(name, "it has " + std::to_string(components) + " colour components");
    }
    if (!reader.start()) fail_decoding(name, reader.message());
    Image image = make_image(static_cast<int>(reader.width()), static_cast<int>(reader.height()));
    if (components != 4) {
        if (!reader.read_rows(image.rgb.data(), image.row_bytes())) {
            fail_decoding(name, reader.message());
        }
        return image;
    }
    std::vector<std::uint8_t> cmyk(image.rgb.size() / 3 * 4);
    if (!reader.read_rows(cmyk.data(), static_cast<std::size_t>(image.width) * 4)) {
        fail_decoding(name, reader.message());
    }
    rgb_from_inverted_cmyk(cmyk, image.rgb.data());
    return image;
}

}  // namespace aocq::data
