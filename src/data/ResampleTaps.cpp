// SPDX-License-Identifier: Apache-2.0
#include "data/ResampleTaps.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

// Keys' cubic with a = -0.5, in Pillow's order of operations.
double bicubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

double bilinear(double x) {
    x = std::abs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

std::int32_t fixed_point(double weight) {
    const double scaled = weight * (1 << weight_bits);
    return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

Taps resample_taps(Interpolation interpolation, int input, int output, int first, int count) {
    AOCQ_EXPECT(input > 0 && output > 0 && count > 0);
    AOCQ_EXPECT(first >= 0 && count <= output - first);
    const auto filter = interpolation == Interpolation::bicubic ? bicubic : bilinear;
    const double scale = static_cast<double>(input) / output;
    const double filter_scale = std::max(scale, 1.0);
    const double support = (interpolation == Interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
    const double inverse = 1.0 / filter_scale;

    Taps taps;
    taps.outputs = count;
    taps.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
    taps.weights.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(taps.stride));
    std::vector<double> exact(static_cast<std::size_t>(taps.stride));
    for (int o = 0; o < count; ++o) {
        const double center = (first + o + 0.5) * scale;
        const int low = std::max(static_cast<int>(center - support + 0.5), 0);
        const int length = std::min(static_cast<int>(center + support + 0.5), input) - low;
        double sum = 0.0;
        for (int i = 0; i < length; ++i) {
            const double weight = filter((i + low - center + 0.5) * inverse);
            exact[static_cast<std::size_t>(i)] = weight;
            sum += weight;
        }
        std::int32_t* weights = taps.weights.data() + o * static_cast<std::ptrdiff_t>(taps.stride);
        for (int i = 0; i < length; ++i) {
            double weight = exact[static_cast<std::size_t>(i)];
            if (sum != 0.0) weight /= sum;
            weights[i] = fixed_point(weight);
        }
        taps.start.push_back(low);
        taps.length.push_back(length);
    }
    return taps;
}

}  // namespace aocq::data
