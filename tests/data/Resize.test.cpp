// SPDX-License-Identifier: Apache-2.0
#include "data/Resize.hpp"

#include <gtest/gtest.h>

#include "Golden.hpp"
#include "core/Error.hpp"
#include "core/Random.hpp"
#include "data/ResizeKernels.hpp"

namespace aocq::data {
namespace {

Image noise(int width, int height, std::uint64_t seed) {
    RandomStream random{RandomKey(seed)};
    Image image = make_image(width, height);
    // Extremes make the filter overshoot, so that the clipping between the passes counts.
    for (std::uint8_t& byte : image.rgb) {
        const std::uint32_t bits = random.bits();
        byte = bits & 256U ? static_cast<std::uint8_t>(bits) : (bits & 512U ? 255 : 0);
    }
    return image;
}

Image cut(const Image& image, const Box& box) {
    Image out = make_image(box.width, box.height);
    for (int y = 0; y < box.height; ++y) {
        const std::uint8_t* source = image.row(box.top + y) + box.left * 3;
        std::copy(source, source + out.row_bytes(), out.row(y));
    }
    return out;
}

TEST(Resize, EqualsPillow) {
    const Json facts = test::golden_facts().at("resize");
    for (const auto& [name, cases] : facts.items()) {
        const Image image = test::golden_image(name);
        for (const Json& expected : cases) {
            SCOPED_TRACE(name + " " + expected.dump());
            const auto way = expected.at("interpolation") == "bicubic" ? Interpolation::bicubic
                                                                       : Interpolation::bilinear;
            test::expect_facts(resize(image, expected.at("width"), expected.at("height"), way),
                               expected);
        }
    }
}

TEST(Resize, ToTheSameSizeChangesNothing) {
    const Image image = noise(37, 29, 1);
    EXPECT_EQ(resize(image, 37, 29, Interpolation::bicubic).rgb, image.rgb);
    EXPECT_EQ(resize(image, 37, 29, Interpolation::bilinear).rgb, image.rgb);
}

TEST(Resize, OfOneColourKeepsIt) {
    Image image = make_image(50, 40);
    for (std::size_t i = 0; i < image.rgb.size(); ++i) {
        image.rgb[i] = static_cast<std::uint8_t>(i % 3 * 100 + 55);
    }
    const Image small = resize(image, 17, 9, Interpolation::bicubic);
    for (std::size_t i = 0; i < small.rgb.size(); ++i) {
        ASSERT_EQ(small.rgb[i], i % 3 * 100 + 55) << i;
    }
}

TEST(Resize, WithCropGivesTheBytesOfResizeThenCut) {
    const Image image = noise(90, 71, 2);
    for (const auto way : {Interpolation::bicubic, Interpolation::bilinear}) {
        for (const auto& [width, height] : {std::pair{40, 33}, {90, 20}, {33, 71}, {160, 120}}) {
            const Image whole = resize(image, width, height, way);
            for (const Box& box : {Box{0, 0, 5, 7}, Box{width - 5, height - 7, 5, 7},
                                   Box{11, 3, 20, 15}, Box{0, 0, width, height}}) {
                EXPECT_EQ(resize_crop(image, width, height, box, way).rgb, cut(whole, box).rgb)
                    << width << " " << box.left << " " << box.top;
            }
        }
    }
}

// Every small size and some large factors, where vector loads reach the borders.
TEST(Resize, FastKernelsEqualThePortableOnes) {
    const ResizeKernels* fast = avx2_kernels();
    if (!fast) GTEST_SKIP() << "this processor has no AVX2";
    int compared = 0;
    const auto compare = [&](int width, int height, int to_width, int to_height) {
        const Image image = noise(width, height, static_cast<std::uint64_t>(width * 1000 + height));
        for (const auto way : {Interpolation::bicubic, Interpolation::bilinear}) {
            const Taps columns = resample_taps(way, width, to_width, 0, to_width);
            const Taps rows = resample_taps(way, height, to_height, 0, to_height);
            ASSERT_EQ(resize_crop_with(*fast, image, columns, rows).rgb,
                      resize_crop_with(portable_kernels(), image, columns, rows).rgb)
                << width << " x " << height << " to " << to_width << " x " << to_height;
            ++compared;
        }
    };
    for (int width = 1; width <= 20; ++width) {
        for (int height = 1; height <= 7; ++height) {
            compare(width, height, 1 + width * 7 % 11, 1 + height * 5 % 6);
            compare(width, height, width * 2 + 1, height * 3 + 1);
        }
    }
    compare(9000, 3, 2, 1);  // 4500 x 2 taps wide: the split sums wrap
    compare(2, 9000, 1, 2);
    compare(500, 375, 298, 224);
    EXPECT_GT(compared, 500);
}

TEST(Resize, TakesAnExtremeShapeWithoutComputingAllOfIt) {
    const Image image = noise(4000, 1, 3);
    const Image crop =
        resize_crop(image, 4000 * 224, 224, {447888, 0, 224, 224}, Interpolation::bicubic);
    EXPECT_EQ(crop.width, 224);
    EXPECT_EQ(crop.height, 224);
}

TEST(Resize, WithABoxOutsideIsAProgrammersError) {
    const Image image = noise(10, 10, 4);
    EXPECT_THROW(resize_crop(image, 5, 5, {2, 0, 4, 5}, Interpolation::bicubic), Error);
    EXPECT_THROW(resize(image, 0, 5, Interpolation::bicubic), Error);
}

}  // namespace
}  // namespace aocq::data
