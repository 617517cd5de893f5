// SPDX-License-Identifier: Apache-2.0
#include "data/GeneratedDataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/Error.hpp"
#include "core/Json.hpp"
#include "core/Random.hpp"
#include "core/Sha256.hpp"

namespace aocq::data {
namespace {

constexpr int drawing_version = 1;  // to be raised when a pixel changes

using Colour = std::array<double, 3>;  // 0 .. 255, not clipped

// Lengths are in pixels of a 64 x 64 picture and scaled to the real size.
class Canvas {
  public:
    explicit Canvas(int size)
        : size_(size), unit_(64.0 / size), pixels_(static_cast<std::size_t>(size * size)) {}

    // Calls paint(point, colour of the pixel) for the pixels of the square around `center`.
    template <class Paint>
    void each(Point center, double reach, Paint&& paint) {
        const auto low = [&](double c) {
            return std::max(0, static_cast<int>((c - reach) / unit_));
        };
        const auto high = [&](double c) {
            return std::min(size_, static_cast<int>((c + reach) / unit_) + 1);
        };
        for (int y = low(center.y); y < high(center.y); ++y) {
            for (int x = low(center.x); x < high(center.x); ++x) {
                paint(Point{(x + 0.5) * unit_, (y + 0.5) * unit_},
                      pixels_[static_cast<std::size_t>(y * size_ + x)]);
            }
        }
    }

    // A pixel's share of a shape whose outline is `distance` away.
    double coverage(double distance) const { return std::clamp(0.5 - distance / unit_, 0.0, 1.0); }
    std::vector<Colour>& pixels() { return pixels_; }
    int size() const { return size_; }

  private:
    int size_;
    double unit_;
    std::vector<Colour> pixels_;
};

void blend(Colour& under, const Colour& over, double share) {
    for (std::size_t c = 0; c < 3; ++c) under[c] += share * (over[c] - under[c]);
}

Colour tinted(RandomStream& random, double brightness, double spread) {
    Colour colour{};
    for (double& c : colour) c = brightness + random.uniform(-spread, spread);
    return colour;
}

struct Frame {  // a rotated, scaled coordinate system
    Point center;
    Point axis;
    double scale;

    Point operator()(Point p) const {
        const double x = p.x - center.x;
        const double y = p.y - center.y;
        return {(x * axis.x + y * axis.y) / scale, (y * axis.x - x * axis.y) / scale};
    }
};

Colour paint_background(Canvas& canvas, RandomStream& random) {
    const Colour base = tinted(random, random.uniform(50, 205), 35);
    const Point slope{random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7)};
    canvas.each({32, 32}, 64, [&](Point p, Colour& pixel) {
        const double light = slope.x * (p.x - 32) + slope.y * (p.y - 32);
        for (std::size_t c = 0; c < 3; ++c) pixel[c] = base[c] + light;
    });
    return base;
}

// Specks that resemble small pieces of shapes.
void paint_clutter(Canvas& canvas, RandomStream& random, const Colour& base) {
    const std::uint32_t pieces = random.below(5);
    for (std::uint32_t i = 0; i < pieces; ++i) {
        const Point center{random.uniform(0, 64), random.uniform(0, 64)};
        const Frame frame{center, direction(random.uniform(-90, 90)), random.uniform(1.5, 3.5)};
        const double stretch = random.uniform(0.2, 1);
        const bool round = random.below(2) == 0;
        Colour colour = base;
        const double shift = random.uniform(-60, 60);
        for (double& c : colour) c += shift + random.uniform(-30, 30);
        canvas.each(center, frame.scale + 1, [&](Point p, Colour& pixel) {
            const Point q = frame(p);
            const double y = std::abs(q.y) / stretch;
            const double d = round ? std::sqrt(q.x * q.x + y * y) : std::max(std::abs(q.x), y);
            blend(pixel, colour, canvas.coverage((d - 1) * frame.scale * stretch));
        });
    }
}

// Contrast is against the background's brightness; the weakest is a little above the noise.
Colour foreground(RandomStream& random, const Colour& base) {
    const double strength = random.uniform();
    double contrast = 36 + 90 * strength;
    const double mean = (base[0] + base[1] + base[2]) / 3;
    const bool darker = mean > 150 || (mean > 100 && random.below(2) == 0);
    if (darker) contrast = -contrast;
    Colour colour = base;
    for (double& c : colour) c += contrast + random.uniform(-18, 18);
    return colour;
}

void paint_shape(Canvas& canvas, RandomStream& random, int shape, const Colour& colour) {
    const double radius = random.uniform(15, 27);
    const double slack = 0.6 * (33 - radius);
    const Point center{32 + random.uniform(-slack, slack), 32 + random.uniform(-slack, slack)};
    const Frame frame{center, direction(random.uniform(-15, 15)), radius};
    const double squeeze = random.uniform(0.82, 1.22);
    canvas.each(center, radius * 1.7, [&](Point p, Colour& pixel) {
        Point q = frame(p);
        q.x *= squeeze;
        blend(pixel, colour, canvas.coverage(shape_distance(shape, q) * radius));
    });
}

// A patch of texture, round or square.
void paint_texture(Canvas& canvas, RandomStream& random, int texture, const Colour& colour) {
    const double radius = random.uniform(14, 32);
    const double slack = 36 - radius;
    const Point center{32 + random.uniform(-slack, slack), 32 + random.uniform(-slack, slack)};
    const double period = random.uniform(6, 13);
    const Point origin{center.x + random.uniform(-3, 3), center.y + random.uniform(-3, 3)};
    const Frame frame{origin, direction(random.uniform(-14, 14)), period};
    const bool round = random.below(2) == 0;
    canvas.each(center, radius + 1, [&](Point p, Colour& pixel) {
        const double x = p.x - center.x;
        const double y = p.y - center.y;
        const double d = round ? std::sqrt(x * x + y * y) : std::max(std::abs(x), std::abs(y));
        const double inside = canvas.coverage(d - radius);
        if (inside == 0) return;
        const double value = texture_value(texture, frame(p));
        blend(pixel, colour, inside * canvas.coverage(-value * period * 0.25));
    });
}

// A bar across the picture in front of everything.
void paint_occlusion(Canvas& canvas, RandomStream& random) {
    if (random.below(6) != 0) return;
    const Colour colour = tinted(random, random.uniform(40, 215), 30);
    const Point center{random.uniform(10, 54), random.uniform(10, 54)};
    const Frame frame{center, direction(random.uniform(-90, 90)), 1};
    const double thickness = random.uniform(1, 4);
    canvas.each({32, 32}, 64, [&](Point p, Colour& pixel) {
        blend(pixel, colour, canvas.coverage(std::abs(frame(p).y) - thickness));
    });
}

// Noise of brightness and, weaker, of colour: sums of two bytes, so triangular.
Image with_noise(Canvas& canvas, RandomStream& random, RandomKey noise) {
    const double strength = random.uniform(3, 16) / 104;  // 104: a sum's standard deviation
    Image image = make_image(canvas.size(), canvas.size());
    const std::vector<Colour>& pixels = canvas.pixels();
    for (std::size_t i = 0; i < pixels.size(); i += 2) {
        // Two pixels share a block of 16 bytes.
        const auto block = noise.block(i / 2);
        for (std::size_t half = 0; half < 2 && i + half < pixels.size(); ++half) {
            const auto centred = [&](std::size_t word, int shift) {
                const std::uint32_t bits = block[half * 2 + word] >> shift;
                return static_cast<double>((bits & 255U) + (bits >> 8 & 255U)) - 255.0;
            };
            const double grey = centred(0, 0);
            const std::array<double, 3> tint{centred(0, 16), centred(1, 0), centred(1, 16)};
            for (std::size_t c = 0; c < 3; ++c) {
                const double value =
                    pixels[i + half][c] + strength * (0.85 * grey + 0.5 * tint[c]) + 0.5;
                image.rgb[(i + half) * 3 + c] =
                    static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
            }
        }
    }
    return image;
}

}  // namespace

GeneratedDataset::GeneratedDataset(const GeneratedOptions& options) : options_(options) {
    AOCQ_EXPECT(options.count > 0);
    AOCQ_EXPECT(options.classes >= 2 && options.classes <= generated_classes);
    AOCQ_EXPECT(options.image_size >= 16 && options.image_size <= 512);
}

std::string GeneratedDataset::name(std::size_t index) const {
    const auto word = generated_class_names[static_cast<std::size_t>(label(index))];
    return fmt::format("{}/{:06}_{}", split_names.name(options_.split), index, word);
}

int GeneratedDataset::label(std::size_t index) const {
    AOCQ_EXPECT(index < options_.count);
    return static_cast<int>(index % static_cast<std::size_t>(options_.classes));
}

Image GeneratedDataset::load(std::size_t index) const {
    const int shape = label(index);
    const RandomKey key = RandomKey(options_.seed)
                              .child("generated-images")
                              .child(split_names.name(options_.split))
                              .child(index);
    RandomStream random(key);
    Canvas canvas(options_.image_size);
    const Colour base = paint_background(canvas, random);
    paint_clutter(canvas, random, base);
    const Colour colour = foreground(random, base);
    if (shape < first_texture_class) {
        paint_shape(canvas, random, shape, colour);
    } else {
        paint_texture(canvas, random, shape, colour);
    }
    paint_occlusion(canvas, random);
    return with_noise(canvas, random, key.child("noise"));
}

std::string GeneratedDataset::fingerprint() const {
    const Json options = {{"kind", "generated"},
                          {"drawing", drawing_version},
                          {"split", std::string(split_names.name(options_.split))},
                          {"seed", options_.seed},
                          {"count", options_.count},
                          {"classes", options_.classes},
                          {"image_size", options_.image_size}};
    return sha256_hex(canonical_json(options));
}

}  // namespace aocq::data
