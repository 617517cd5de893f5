// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Reduce.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr int lanes = 8;

// Floats and these integers are ordered alike.
inline std::int32_t key_of(float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    return bits ^ ((bits >> 31) & 0x7FFFFFFF);
}

inline float value_of(std::int32_t key) {
    return std::bit_cast<float>(key ^ ((key >> 31) & 0x7FFFFFFF));
}

AOCQ_CLONES void key_range(const float* x, std::int64_t n, std::int32_t* low, std::int32_t* high) {
    std::int32_t least = std::numeric_limits<std::int32_t>::max();
    std::int32_t most = std::numeric_limits<std::int32_t>::min();
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int32_t key = key_of(x[i]);
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    *low = least;
    *high = most;
}

AOCQ_CLONES std::int32_t largest_magnitude(const float* x, std::int64_t n) {
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int32_t magnitude = std::bit_cast<std::int32_t>(x[i]) & 0x7FFFFFFF;
        most = magnitude > most ? magnitude : most;
    }
    return most;
}

inline double total(const double* part) {
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

AOCQ_CLONES double lane_sum(const float* x, std::int64_t n) {
    double part[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) part[lane] += static_cast<double>(x[i + lane]);
    }
    for (int lane = 0; i < n; ++i, ++lane) part[lane] += static_cast<double>(x[i]);
    return total(part);
}

AOCQ_CLONES double lane_squares(const float* x, std::int64_t n, double mean) {
    double part[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
            const double d = static_cast<double>(x[i + lane]) - mean;
            part[lane] += d * d;
        }
    }
    for (int lane = 0; i < n; ++i, ++lane) {
        const double d = static_cast<double>(x[i]) - mean;
        part[lane] += d * d;
    }
    return total(part);
}

struct Step {
    float inverse, scale, low, high;
};

inline double difference(float x, const Step& s) {
    constexpr float rounder = 0x1.8p23F;  // see FakeQuant.cpp
    float t = x * s.inverse;
    t = t < s.low ? s.low : t;
    t = t > s.high ? s.high : t;
    return static_cast<double>(x - ((t + rounder) - rounder) * s.scale);
}

AOCQ_CLONES double squared_error(const float* x, std::int64_t n, Step s) {
    double part[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
            const double d = difference(x[i + lane], s);
            part[lane] += d * d;
        }
    }
    for (int lane = 0; i < n; ++i, ++lane) {
        const double d = difference(x[i], s);
        part[lane] += d * d;
    }
    return total(part);
}

double power_error(const float* x, std::int64_t n, Step s, double power) {
    double part[lanes] = {};
    // Three times as fast in single precision, where high powers of small errors would vanish.
    if (power <= 3) {
        const auto exponent = static_cast<float>(power);
        for (std::int64_t i = 0; i < n; ++i) {
            const auto missed = static_cast<float>(std::abs(difference(x[i], s)));
            part[i % lanes] += static_cast<double>(std::pow(missed, exponent));
        }
        return total(part);
    }
    for (std::int64_t i = 0; i < n; ++i)
        part[i % lanes] += std::pow(std::abs(difference(x[i], s)), power);
    return total(part);
}

}  // namespace

Range min_max(std::span<const float> x) {
    if (x.empty()) return {};
    std::int32_t low = 0;
    std::int32_t high = 0;
    key_range(x.data(), static_cast<std::int64_t>(x.size()), &low, &high);
    return {value_of(low), value_of(high)};
}

float abs_max(std::span<const float> x) {
    return std::bit_cast<float>(largest_magnitude(x.data(), static_cast<std::int64_t>(x.size())));
}

double sum(std::span<const float> x) {
    return lane_sum(x.data(), static_cast<std::int64_t>(x.size()));
}

double sum_of_squares(std::span<const float> x, double mean) {
    return lane_squares(x.data(), static_cast<std::int64_t>(x.size()), mean);
}

double grid_error(std::span<const float> x, const Grid& grid, int bits, double power) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits && power > 0.0);
    const auto zero = static_cast<float>(grid.zero_point);
    const Step step{1.0F / grid.scale, grid.scale, -zero,
                    static_cast<float>(largest_code(bits)) - zero};
    const auto n = static_cast<std::int64_t>(x.size());
    return power == 2.0 ? squared_error(x.data(), n, step) : power_error(x.data(), n, step, power);
}

}  // namespace aocq::quant
