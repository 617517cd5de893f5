// SPDX-License-Identifier: Apache-2.0
#include "data/Preprocess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/EnumTable.hpp"
#include "core/Error.hpp"

namespace aocq::data {
namespace {

enum class Way { bicubic, bilinear, none };
constexpr EnumTable<Way, 3> way_names{
    {{{Way::bicubic, "bicubic"}, {Way::bilinear, "bilinear"}, {Way::none, "none"}}}};

Way way_of(const Preprocess& p) {
    if (!p.resize) return Way::none;
    return p.interpolation == Interpolation::bicubic ? Way::bicubic : Way::bilinear;
}

std::array<float, 3> channels(Fields& fields, std::string_view key, std::array<float, 3> fallback) {
    if (!fields.has(key)) return fallback;
    const std::vector<double> values = fields.numbers(key);
    if (values.size() != 3) {
        fields.fail(key, Error::config("wrong number of channels")
                             .found(fmt::format("{} values", values.size()))
                             .wanted("3 values, red, green, blue"));
    }
    std::array<float, 3> result{};
    std::transform(values.begin(), values.end(), result.begin(),
                   [](double value) { return static_cast<float>(value); });
    return result;
}

// Python's round(x / 2): half to even.
int half_rounded(int x) {
    const int down = x / 2;
    return x % 2 == 0 || down % 2 == 0 ? down : down + 1;
}

// torchvision: int(size * long / short).
int long_side(int size, int longer, int shorter) {
    const double side = static_cast<double>(std::int64_t{size} * longer) / shorter;
    AOCQ_ASSERT(side < 0x1p31);
    return static_cast<int>(side);
}

}  // namespace

Preprocess preprocess_from(Fields fields) {
    Preprocess p;
    p.image_size = static_cast<int>(fields.integer("size", 1, 4096, p.image_size));
    p.crop = fields.number("crop", 0.05, 1.0, p.crop);
    const Way way = fields.choice("interpolation", way_names, std::optional(Way::bicubic));
    p.resize = way != Way::none;
    p.interpolation = way == Way::bilinear ? Interpolation::bilinear : Interpolation::bicubic;
    p.mean = channels(fields, "mean", p.mean);
    p.std = channels(fields, "std", p.std);
    for (std::size_t c = 0; c < 3; ++c) {
        if (!std::isfinite(p.mean[c])) {
            fields.fail("mean", Error::config("mean is not a finite number"));
        }
        if (!(p.std[c] > 0) || !std::isfinite(p.std[c])) {
            fields.fail("std", Error::config("standard deviation must be positive")
                                   .found(fmt::format("{}", p.std[c])));
        }
    }
    fields.finish();
    return p;
}

Json to_json(const Preprocess& p) {
    return {{"size", p.image_size},
            {"crop", p.crop},
            {"interpolation", std::string(way_names.name(way_of(p)))},
            {"mean", p.mean},
            {"std", p.std}};
}

Image crop_for(const Image& image, const Preprocess& p) {
    const int size = p.image_size;
    if (!p.resize) {
        if (image.width == size && image.height == size) return image;
        throw Error::input("image has the wrong size")
            .because("the preprocessing has no resize")
            .advise("set interpolation to \"bicubic\" or use images of that size")
            .found(fmt::format("{} x {}", image.width, image.height))
            .wanted(fmt::format("{} x {}", size, size));
    }
    const int target = static_cast<int>(std::floor(size / p.crop));
    const bool upright = image.width <= image.height;
    const int longer =
        long_side(target, std::max(image.width, image.height), std::min(image.width, image.height));
    const int width = upright ? target : longer;
    const int height = upright ? longer : target;
    const Box box{half_rounded(width - size), half_rounded(height - size), size, size};
    return resize_crop(image, width, height, box, p.interpolation);
}

void preprocess(const Image& image, const Preprocess& p, std::span<float> out) {
    const auto pixels =
        static_cast<std::size_t>(p.image_size) * static_cast<std::size_t>(p.image_size);
    AOCQ_EXPECT(out.size() == pixels * 3);
    const Image cropped = crop_for(image, p);
    for (std::size_t c = 0; c < 3; ++c) {
        // 256 values are all there are.
        std::array<float, 256> table{};
        for (std::size_t value = 0; value < table.size(); ++value) {
            table[value] = (static_cast<float>(value) / 255.0F - p.mean[c]) / p.std[c];
        }
        float* plane = out.data() + c * pixels;
        const std::uint8_t* source = cropped.rgb.data() + c;
        for (std::size_t i = 0; i < pixels; ++i) plane[i] = table[source[i * 3]];
    }
}

}  // namespace aocq::data
