// SPDX-License-Identifier: Apache-2.0
// Decoding against Pillow's bytes, and damage: every cut and many flipped bytes end in an image or
// in an Error that names the file, never in anything else.
#include "data/Decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "Golden.hpp"
#include "core/Error.hpp"

namespace aocq::data {
namespace {

using testing::HasSubstr;

std::string bytes_of(const char* name) {
    return read_text(test::golden_folder() / name);
}

Image decode_text(std::string_view text, std::string_view name = "some/file.jpg") {
    return decode(std::as_bytes(std::span(text)), name);
}

// The error of decoding, or none.
std::optional<Error> failure(std::string_view text) {
    try {
        decode_text(text);
        return std::nullopt;
    } catch (const Error& error) {
        return error;
    }
}

void expect_refused(std::string_view text, const std::string& where) {
    const std::optional<Error> error = failure(text);
    ASSERT_TRUE(error) << where;
    EXPECT_EQ(error->kind(), ErrorKind::input) << where;
    EXPECT_EQ(error->field("file"), "some/file.jpg") << where;
}

TEST(Decode, EqualsPillowForEveryKindOfFile) {
    const Json facts = test::golden_facts().at("decode");
    EXPECT_GT(facts.size(), 30U);
    for (const auto& [name, expected] : facts.items()) {
        SCOPED_TRACE(name);
        test::expect_facts(test::golden_image(name), expected);
    }
}

TEST(Decode, TellsTheFormatByTheBytesNotByTheName) {
    EXPECT_EQ(decode_text(bytes_of("rgb8.png"), "misnamed.JPEG").width, 61);
    EXPECT_EQ(decode_text(bytes_of("yuv420.jpg"), "misnamed.png").width, 61);
}

TEST(Decode, RefusesWhatIsNoImage) {
    expect_refused("", "empty");
    expect_refused("GIF89a", "gif");
    expect_refused("\xFF\xD8", "two bytes of JPEG");
    expect_refused("\x89PNG\r\n\x1A\n", "only PNG's signature");
    EXPECT_THAT(failure("hello")->what(), HasSubstr("neither JPEG nor PNG"));
    EXPECT_THAT(failure("")->what(), HasSubstr("empty"));
}

class Truncation : public testing::TestWithParam<const char*> {};

TEST_P(Truncation, IsAnErrorAtEveryPosition) {
    const std::string whole = bytes_of(GetParam());
    ASSERT_FALSE(failure(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        expect_refused(std::string_view(whole).substr(0, size), std::to_string(size));
        if (testing::Test::HasFatalFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Decode, Truncation,
                         testing::Values("yuv420.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg",
                                         "rgb16.png", "interlaced.png", "palette4.png"));

class Damage : public testing::TestWithParam<const char*> {};

TEST_P(Damage, OfAnyByteGivesAnImageOrAnInputError) {
    const std::string whole = bytes_of(GetParam());
    int refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const int flip : {0x01, 0x80, 0xFF}) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ flip);
            const std::optional<Error> error = failure(damaged);
            if (!error) continue;
            ++refused;
            ASSERT_EQ(error->kind(), ErrorKind::input) << at;
            ASSERT_EQ(error->field("file"), "some/file.jpg") << at;
        }
    }
    EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Decode, Damage,
                         testing::Values("grey.jpg", "cmyk.jpg", "one_pixel.jpg", "rgba8.png",
                                         "interlaced.png", "palette_interlaced.png"));

TEST(Decode, GoesOnAfterBytesThatAreOnlySuperfluous) {
    const std::string whole = bytes_of("yuv420.jpg");
    const Image clean = decode_text(whole);
    EXPECT_EQ(decode_text(whole + "trailing bytes").rgb, clean.rgb);
    // Junk between two markers draws libjpeg's warning of extraneous bytes.
    const std::size_t tables = whole.find("\xFF\xDB");
    ASSERT_NE(tables, std::string::npos);
    std::string junk = whole;
    junk.insert(tables, "junk");
    EXPECT_EQ(decode_text(junk).rgb, clean.rgb);
}

TEST(Decode, RefusesHugeSizesBeforeItAllocates) {
    std::string jpeg = bytes_of("grey.jpg");
    const std::size_t frame = jpeg.find("\xFF\xC0");
    ASSERT_NE(frame, std::string::npos);
    for (std::size_t i = 5; i < 9; ++i) jpeg[frame + i] = '\xFD';  // 65021 x 65021
    EXPECT_THAT(failure(jpeg)->what(), HasSubstr("too large"));

    // Width 2^24 in PNG's first chunk, with a checksum that fits.
    const char header[] =
        "\x89PNG\r\n\x1A\n"
        "\0\0\0\rIHDR\x01\0\0\0\0\0\0\x01\x08\x02\0\0\0";
    std::string png(header, sizeof header - 1);
    png += std::string("\xA2\x23\xE1\x65", 4);
    png += std::string("\0\0\0\0IDAT", 8);
    EXPECT_THAT(failure(png)->what(), HasSubstr("too large"));
}

TEST(Decode, NamesAFileThatIsMissing) {
    try {
        decode_file("/nowhere/image.jpg");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.field("file"), "/nowhere/image.jpg");
    }
}

}  // namespace
}  // namespace aocq::data
