// SPDX-License-Identifier: Apache-2.0
// The twenty classes of the generated dataset as coverage functions of a point. Only +, -, *, / and
// sqrt are used, which IEEE 754 rounds the same way everywhere.
#pragma once

#include <array>
#include <string_view>

namespace aocq::data {

inline constexpr int generated_classes = 20;
inline constexpr std::array<std::string_view, generated_classes> generated_class_names{
    "disc",     "ring",          "square",  "frame", "triangle", "plus",    "saltire",
    "star",     "crescent",      "arrow",   "ell",   "tee",      "stripes", "bars",
    "diagonal", "anti_diagonal", "checker", "dots",  "zigzag",   "target"};
inline constexpr int first_texture_class = 12;

struct Point {
    double x = 0;
    double y = 0;  // downwards
};

// cos and sin of an angle in degrees, |degrees| <= 90, by a polynomial (error below 1e-6).
Point direction(double degrees);

// Roughly the signed distance to the outline of a shape class (below first_texture_class), negative
// inside. Shapes fill about the unit disc.
double shape_distance(int shape, Point p);

// -1 .. 1 with the period 1 in the units of `p`, for texture classes; positive is foreground.
double texture_value(int texture, Point p);

}  // namespace aocq::data
