// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/LogIntSoftmax.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Grid.hpp"

namespace aocq::quant {
namespace {

constexpr double minus_log_two = -0.6931;
// 0.35815147 x^2 + 0.96963238 x + 1, divided by its first coefficient.
constexpr double linear_term = 0.96963238 / 0.35815147;
constexpr double constant_term = 1.0 / 0.35815147;
// Finer differences of scores change no power of two; the step ends here, because its square is
// what the exponential is counted in and sums have 64 bits.
constexpr double finest_step = 0x1p-12;
constexpr double farthest = 0x1p40;  // steps; beyond every shift below
constexpr int largest_shift = 30;    // n of the released code
constexpr int sum_bits = 62;

// exp of integer steps below the row's largest score, times an unknown factor.
class IntExponential {
  public:
    // The shift is 30 as released, less where a sum of `keys` of them would not fit 64 bits.
    IntExponential(double step, std::int64_t keys)
        : x0_(static_cast<std::int64_t>(std::floor(minus_log_two / step))),
          b_(static_cast<std::int64_t>(std::floor(linear_term / step))),
          // From step 1.67 on the released code has zero here and divides zero by zero.
          c_(std::max<std::int64_t>(
              1, static_cast<std::int64_t>(std::floor(constant_term / (step * step))))),
          shift_(std::min(largest_shift, sum_bits - bits_of(c_) - bits_of(keys))) {
        AOCQ_EXPECT(shift_ >= 8);
    }

    std::int64_t operator()(std::int64_t t) const {
        t = std::max(t, shift_ * x0_);
        const std::int64_t q = t / x0_, r = t - x0_ * q;
        return std::max<std::int64_t>(0, r * (r + b_) + c_) << (shift_ - q);
    }

  private:
    static int bits_of(std::int64_t x) {
        return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x)));
    }
    std::int64_t x0_, b_, c_;
    int shift_;
};

// round(sum / e), ties to even, then its rounded logarithm; 0 <= e <= sum.
int code_of(std::int64_t sum, std::int64_t e) {
    if (e == 0) return std::numeric_limits<int>::max();
    std::int64_t k = sum / e;
    const std::int64_t rest = sum % e, other = e - rest;
    if (rest > other || (rest == other && k % 2 == 1)) ++k;
    const int floor = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(k))) - 1;
    const bool upper_half = floor > 0 && ((k >> (floor - 1)) & 1) != 0;
    return floor + (upper_half ? 1 : 0);
}

}  // namespace

void log_int_softmax(std::span<const float> x, std::span<float> y, std::int64_t keys, float scale,
                     int bits, LogZero zero) {
    AOCQ_EXPECT(keys > 0 && x.size() == y.size() && scale > 0.0F && std::isfinite(scale));
    AOCQ_EXPECT(bits >= min_bits && bits <= max_code_bits);
    const auto width = static_cast<std::size_t>(keys);
    AOCQ_EXPECT(x.size() % width == 0);
    const double step = std::max<double>(scale, finest_step);
    const IntExponential exponential(step, keys);
    const int limit = largest_code(bits) + (zero == LogZero::beyond ? 1 : 0);
    std::vector<std::int64_t> row(width);
    for (std::size_t at = 0; at < x.size(); at += width) {
        const auto in = x.subspan(at, width);
        const auto out = y.subspan(at, width);
        if (std::any_of(in.begin(), in.end(), [](float v) { return std::isnan(v); })) {
            std::fill(out.begin(), out.end(), std::numeric_limits<float>::quiet_NaN());
            continue;
        }
        std::transform(in.begin(), in.end(), row.begin(), [&](float v) {
            return static_cast<std::int64_t>(
                std::nearbyint(std::clamp(v / step, -farthest, farthest)));
        });
        const std::int64_t top = *std::max_element(row.begin(), row.end());
        std::int64_t sum = 0;
        for (std::int64_t& t : row) sum += t = exponential(t - top);
        for (std::size_t i = 0; i < width; ++i) {
            const int code = code_of(sum, row[i]);
            out[i] = code < limit ? std::ldexp(1.0F, -code) : 0.0F;
        }
    }
}

}  // namespace aocq::quant
