// SPDX-License-Identifier: Apache-2.0
#include "data/GeneratedDataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "Golden.hpp"
#include "core/Error.hpp"

namespace aocq::data {
namespace {

GeneratedOptions options(std::uint64_t seed, std::uint32_t count, Split split = Split::evaluation) {
    GeneratedOptions made;
    made.seed = seed;
    made.count = count;
    made.split = split;
    return made;
}

// A change here changes every result on generated images: raise drawing_version with it.
TEST(GeneratedDataset, PixelsArePinned) {
    const GeneratedDataset dataset(options(1, 1000));
    Sha256 hash;
    for (std::size_t i = 0; i < 100; ++i) {
        const Image image = dataset.load(i);
        hash.update(std::as_bytes(std::span(image.rgb)));
    }
    EXPECT_EQ(hash.hex(), "465ab9ff6c5eae3f6113770028bf87e0ff9e32626f22ef16bc1f657c6e6fc99d");
    EXPECT_EQ(test::pixels_sha256(dataset.load(0)),
              "f8866db78d91104b3fd83dcafc14a5e8bad5b8ec6c46f9f3a06218d5406ffd55");
    EXPECT_EQ(test::pixels_sha256(dataset.load(19)),
              "d834f14cf4f782addf1e3ab1fb4e509e4283b221bd0ced1c5fe8ef51456a28f0");
    GeneratedOptions small = options(2, 40, Split::train);
    small.image_size = 33;
    EXPECT_EQ(test::pixels_sha256(GeneratedDataset(small).load(7)),
              "092a01b509b85029c844cb2616878d9b7ccdbcd1a96ad93cf5b2702df98437a4");
}

TEST(GeneratedDataset, ImageDependsOnItsIndexOnly) {
    const GeneratedDataset few(options(5, 30));
    const GeneratedDataset many(options(5, 300));
    many.load(29);
    EXPECT_EQ(few.load(17).rgb, many.load(17).rgb);
    EXPECT_EQ(few.load(17).rgb, few.load(17).rgb);
}

TEST(GeneratedDataset, SplitsSeedsAndIndicesShareNoImage) {
    std::set<std::string> seen;
    for (const auto& row : split_names.rows) {
        for (const std::uint64_t seed : {0, 1}) {
            const GeneratedDataset dataset(options(seed, 60, row.first));
            for (std::size_t i = 0; i < 60; ++i) seen.insert(test::pixels_sha256(dataset.load(i)));
        }
    }
    EXPECT_EQ(seen.size(), 360U);
}

TEST(GeneratedDataset, ClassesTakeTurns) {
    GeneratedOptions five = options(0, 12);
    five.classes = 5;
    const GeneratedDataset dataset(five);
    EXPECT_EQ(dataset.classes(), 5);
    EXPECT_EQ(dataset.label(11), 1);
    EXPECT_EQ(dataset.name(11), "evaluation/000011_ring");
    EXPECT_THROW(dataset.label(12), Error);
}

TEST(GeneratedDataset, FingerprintIsOfEveryOption) {
    std::set<std::string> seen;
    GeneratedOptions base = options(0, 100);
    seen.insert(GeneratedDataset(base).fingerprint());
    const auto changed = [&](auto change) {
        GeneratedOptions other = base;
        change(other);
        seen.insert(GeneratedDataset(other).fingerprint());
    };
    changed([](GeneratedOptions& o) { o.seed = 1; });
    changed([](GeneratedOptions& o) { o.count = 101; });
    changed([](GeneratedOptions& o) { o.classes = 19; });
    changed([](GeneratedOptions& o) { o.image_size = 65; });
    changed([](GeneratedOptions& o) { o.split = Split::train; });
    EXPECT_EQ(seen.size(), 6U);
    EXPECT_EQ(GeneratedDataset(base).fingerprint(), GeneratedDataset(base).fingerprint());
}

TEST(GeneratedDataset, WorksAtEverySize) {
    for (const int size : {16, 17, 63, 128, 512}) {
        GeneratedOptions sized = options(3, 20);
        sized.image_size = size;
        const GeneratedDataset dataset(sized);
        for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(dataset.load(i).width, size);
    }
}

TEST(GeneratedShapes, DirectionIsCosineAndSine) {
    for (double degrees = -90; degrees <= 90; degrees += 0.5) {
        const Point p = direction(degrees);
        const double angle = degrees * 3.14159265358979323846 / 180;
        EXPECT_NEAR(p.x, std::cos(angle), 1e-5) << degrees;
        EXPECT_NEAR(p.y, std::sin(angle), 1e-5) << degrees;
    }
}

// Two classes that look alike would make the task impossible, not hard.
TEST(GeneratedShapes, DifferFromEachOther) {
    std::set<std::vector<bool>> masks;
    for (int shape = 0; shape < generated_classes; ++shape) {
        std::vector<bool> mask;
        for (int y = 0; y < 40; ++y) {
            for (int x = 0; x < 40; ++x) {
                const Point p{(x - 19.5) / 20, (y - 19.5) / 20};
                mask.push_back(shape < first_texture_class ? shape_distance(shape, p) < 0
                                                           : texture_value(shape, p) > 0);
            }
        }
        const auto inside = std::count(mask.begin(), mask.end(), true);
        EXPECT_GT(inside, 150) << generated_class_names[static_cast<std::size_t>(shape)];
        EXPECT_LT(inside, 1450) << generated_class_names[static_cast<std::size_t>(shape)];
        masks.insert(mask);
    }
    EXPECT_EQ(masks.size(), static_cast<std::size_t>(generated_classes));
}

}  // namespace
}  // namespace aocq::data
