// SPDX-License-Identifier: Apache-2.0
#include "data/GeneratedShapes.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

double length(Point p) {
    return std::sqrt(p.x * p.x + p.y * p.y);
}

double box(Point p, double left, double top, double right, double bottom) {
    return std::max(std::max(left - p.x, p.x - right), std::max(top - p.y, p.y - bottom));
}

double plus(Point p) {
    return std::min(box(p, -0.9, -0.26, 0.9, 0.26), box(p, -0.26, -0.9, 0.26, 0.9));
}

double triangle(Point p) {
    constexpr double s = 0.8660254037844386;
    const double sides = std::max(s * p.x - 0.5 * p.y, -s * p.x - 0.5 * p.y);
    return std::max(p.y, sides) - 0.5;
}

// The points outside at most one side of a regular pentagon.
double star(Point p) {
    constexpr Point normals[5] = {{0.0, 1.0},
                                  {0.9510565162951535, 0.30901699437494745},
                                  {-0.9510565162951535, 0.30901699437494745},
                                  {0.5877852522924731, -0.8090169943749475},
                                  {-0.5877852522924731, -0.8090169943749475}};
    double largest = -1e9;
    double second = -1e9;
    for (const Point& n : normals) {
        const double d = n.x * p.x + n.y * p.y;
        second = std::max(second, std::min(largest, d));
        largest = std::max(largest, d);
    }
    return second - 0.33;
}

double arrow(Point p) {
    const double head = std::max(-p.x, std::abs(p.y) * 0.75 + (p.x - 0.95) * 0.66);
    return std::min(head, box(p, -0.9, -0.2, 0.1, 0.2));
}

// A triangle wave of period 1: 1 at whole numbers, -1 between them.
double wave(double t) {
    const double u = t - std::floor(t);
    return std::abs(4.0 * u - 2.0) - 1.0;
}

double dots(Point p) {
    const double x = p.x - std::floor(p.x) - 0.5;
    const double y = p.y - std::floor(p.y) - 0.5;
    return 1.0 - length({x, y}) * 3.3;
}

}  // namespace

Point direction(double degrees) {
    AOCQ_EXPECT(std::abs(degrees) <= 90.0);
    const double a = degrees * 0.017453292519943295;
    const double b = a * a;
    const double sine =
        a * (1 + b * (-1.0 / 6 + b * (1.0 / 120 + b * (-1.0 / 5040 + b * (1.0 / 362880)))));
    const double cosine =
        1 + b * (-0.5 + b * (1.0 / 24 + b * (-1.0 / 720 + b * (1.0 / 40320 - b / 3628800))));
    return {cosine, sine};
}

double shape_distance(int shape, Point p) {
    constexpr double diagonal = 0.7071067811865476;
    switch (shape) {
        case 0:
            return length(p) - 0.85;
        case 1:
            return std::abs(length(p) - 0.67) - 0.22;
        case 2:
            return box(p, -0.75, -0.75, 0.75, 0.75);
        case 3:
            return std::abs(box(p, -0.6, -0.6, 0.6, 0.6)) - 0.19;
        case 4:
            return triangle(p);
        case 5:
            return plus(p);
        case 6:
            return plus({(p.x + p.y) * diagonal, (p.y - p.x) * diagonal});
        case 7:
            return star(p);
        case 8:
            return std::max(length(p) - 0.9, 0.72 - length({p.x - 0.42, p.y}));
        case 9:
            return arrow(p);
        case 10:
            return std::min(box(p, -0.7, -0.9, -0.22, 0.9), box(p, -0.7, 0.42, 0.7, 0.9));
        case 11:
            return std::min(box(p, -0.85, -0.85, 0.85, -0.4), box(p, -0.23, -0.85, 0.23, 0.9));
        default:
            break;
    }
    AOCQ_EXPECT(shape >= 0 && shape < first_texture_class);
    return 0;
}

double texture_value(int texture, Point p) {
    constexpr double diagonal = 0.7071067811865476;
    switch (texture) {
        case 12:
            return wave(p.y);
        case 13:
            return wave(p.x);
        case 14:
            return wave((p.x + p.y) * diagonal);
        case 15:
            return wave((p.x - p.y) * diagonal);
        // Cells of half a period.
        case 16:
            return wave(p.x) * wave(p.y) * 2.0;
        case 17:
            return dots(p);
        case 18:
            return wave(p.y + 0.28 * wave(p.x * 0.6));
        case 19:
            return wave(length(p));
        default:
            break;
    }
    AOCQ_EXPECT(texture >= first_texture_class && texture < generated_classes);
    return 0;
}

}  // namespace aocq::data
