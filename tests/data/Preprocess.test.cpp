// SPDX-License-Identifier: Apache-2.0
#include "data/Preprocess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

Preprocess from(const Json& keys) {
    return preprocess_from(Fields(keys, "preprocess"));
}

Image ramp(int width, int height) {
    Image image = make_image(width, height);
    for (std::size_t i = 0; i < image.rgb.size(); ++i) {
        image.rgb[i] = static_cast<std::uint8_t>(i * 7 % 256);
    }
    return image;
}

TEST(Preprocess, ReadsItsKeysAndHasImageNetsDefaults) {
    const Preprocess plain = from(Json::object());
    EXPECT_EQ(plain.image_size, 224);
    EXPECT_EQ(plain.crop, 0.875);
    EXPECT_TRUE(plain.resize);
    EXPECT_EQ(plain.interpolation, Interpolation::bicubic);
    EXPECT_EQ(plain.mean[0], 0.485F);
    const Preprocess other = from({{"size", 32},
                                   {"crop", 1.0},
                                   {"interpolation", "bilinear"},
                                   {"mean", {0.5, 0.5, 0.25}},
                                   {"std", {0.5, 0.25, 0.5}}});
    EXPECT_EQ(other.image_size, 32);
    EXPECT_EQ(other.interpolation, Interpolation::bilinear);
    EXPECT_EQ(other.mean[2], 0.25F);
    EXPECT_EQ(other.std[1], 0.25F);
}

TEST(Preprocess, IsTheSameAfterAWayThroughJson) {
    for (const char* way : {"bicubic", "bilinear", "none"}) {
        const Json json = to_json(from({{"size", 64}, {"crop", 0.9}, {"interpolation", way}}));
        EXPECT_EQ(json.at("interpolation"), way);
        EXPECT_EQ(to_json(from(json)), json);
    }
}

TEST(Preprocess, RefusesWrongKeysAndValues) {
    EXPECT_THROW(from({{"sise", 224}}), Error);
    EXPECT_THROW(from({{"size", 0}}), Error);
    EXPECT_THROW(from({{"crop", 0.0}}), Error);
    EXPECT_THROW(from({{"crop", 1.5}}), Error);
    EXPECT_THROW(from({{"interpolation", "nearest"}}), Error);
    EXPECT_THROW(from({{"mean", {0.5}}}), Error);
    EXPECT_THROW(from({{"std", {0.5, 0.0, 0.5}}}), Error);
}

// Sizes and corners by torchvision's Resize and CenterCrop.
TEST(Preprocess, CropsWhereTorchvisionDoes) {
    struct Case {
        int width, height;  // of the image
        int to_width, to_height, left, top;
    };
    Preprocess p;
    for (const Case& c : {
             Case{500, 375, 341, 256, 58, 16},  // (341 - 224) / 2 = 58.5, to the even 58
             Case{375, 500, 256, 341, 16, 58},
             Case{500, 333, 384, 256, 80, 16},
             Case{400, 300, 341, 256, 58, 16},
             Case{301, 299, 257, 256, 16, 16},  // 16.5, to the even 16
             Case{303, 300, 258, 256, 17, 16},
             Case{305, 300, 260, 256, 18, 16},
             Case{304, 300, 259, 256, 18, 16},  // 17.5, to the even 18
             Case{256, 256, 256, 256, 16, 16},
         }) {
        const Image image = ramp(c.width, c.height);
        const Box box{c.left, c.top, 224, 224};
        EXPECT_EQ(crop_for(image, p).rgb,
                  resize_crop(image, c.to_width, c.to_height, box, p.interpolation).rgb)
            << c.width << " x " << c.height;
    }
}

TEST(Preprocess, NormalisesInTorchsOrderOfFloatOperations) {
    Preprocess p;
    p.image_size = 4;
    p.resize = false;
    const Image image = ramp(4, 4);
    std::vector<float> out(48);
    preprocess(image, p, out);
    for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t i = 0; i < 16; ++i) {
            const float unit = static_cast<float>(image.rgb[i * 3 + c]) / 255.0F;
            const float centred = unit - p.mean[c];
            EXPECT_EQ(out[c * 16 + i], centred / p.std[c]);
        }
    }
    // torch: (torch.tensor(255.) / 255 - 0.485) / 0.229
    Image white = image;
    white.rgb.assign(48, 255);
    preprocess(white, p, out);
    EXPECT_EQ(out[0], 2.2489082813262939F);
}

TEST(Preprocess, WithoutResizeRefusesAnotherSize) {
    Preprocess p;
    p.image_size = 32;
    p.resize = false;
    EXPECT_EQ(crop_for(ramp(32, 32), p).rgb, ramp(32, 32).rgb);
    try {
        crop_for(ramp(32, 31), p);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.field("found"), "32 x 31");
    }
}

TEST(Preprocess, EnlargesATinyImage) {
    std::vector<float> out(3 * 224 * 224);
    preprocess(ramp(1, 3), Preprocess{}, out);
    EXPECT_NE(out.front(), out.back());
}

}  // namespace
}  // namespace aocq::data
