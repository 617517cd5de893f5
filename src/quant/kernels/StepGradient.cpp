// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/StepGradient.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"

namespace aocq::quant {
namespace {

constexpr float rounder = 0x1.8p23F;  // as in FakeQuant.cpp
// Values whose sums are taken in float32 before they go to float64.
constexpr std::int64_t piece = 2048;
constexpr int lanes = 16;
constexpr std::array<std::uint8_t, piece> none_kept{};

struct Step {
    float inverse, low, high;
};

struct Sums {
    double scale, outside;
};

struct Share {
    float gx, scale, outside;
};

inline Share share_of(float x, float gy, std::uint8_t kept, const Step& s) {
    const float t = x * s.inverse;
    float end = t < s.low ? s.low : t;
    end = end > s.high ? s.high : end;
    const float code = (end + rounder) - rounder;
    const float mine = kept != 0 ? 0.0F : gy;
    const float inside = end == t ? mine : 0.0F;
    return {kept != 0 ? gy : inside, mine * code - inside * end, mine - inside};
}

AOCQ_CLONES Sums gradient_piece(const float* x, const float* gy, const std::uint8_t* kept,
                                float* gx, std::int64_t n, Step s) {
    float scale[lanes] = {}, outside[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
            const Share share = share_of(x[i + lane], gy[i + lane], kept[i + lane], s);
            gx[i + lane] = share.gx;
            scale[lane] += share.scale;
            outside[lane] += share.outside;
        }
    }
    for (int lane = 0; i < n; ++i, ++lane) {
        const Share share = share_of(x[i], gy[i], kept[i], s);
        gx[i] = share.gx;
        scale[lane] += share.scale;
        outside[lane] += share.outside;
    }
    Sums sums{0, 0};
    for (int lane = 0; lane < lanes; ++lane) {
        sums.scale += static_cast<double>(scale[lane]);
        sums.outside += static_cast<double>(outside[lane]);
    }
    return sums;
}

AOCQ_CLONES void keep_run(const float* x, const std::uint8_t* kept, float* y, std::int64_t n) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = kept[i] != 0 ? x[i] : y[i];
}

}  // namespace

void fake_quant_gradient(std::span<const float> x, std::span<const float> gy,
                         std::span<const std::uint8_t> kept, std::span<float> gx,
                         const Layout& layout, std::span<const Grid> grids, int bits,
                         std::span<StepSlopes> slopes) {
    AOCQ_EXPECT(bits >= min_bits && bits <= max_bits);
    const auto size = static_cast<std::size_t>(layout.size());
    AOCQ_EXPECT(x.size() == size && gy.size() == size && gx.size() == size);
    AOCQ_EXPECT(kept.empty() || kept.size() == size);
    AOCQ_EXPECT(static_cast<std::int64_t>(grids.size()) == layout.channels &&
                slopes.size() == grids.size());
    std::fill(slopes.begin(), slopes.end(), StepSlopes{});
    // One grid: the outer axis is contiguous too.
    const std::int64_t run = layout.channels == 1 ? layout.size() : layout.inner;
    for (std::int64_t first = 0; first < layout.size(); first += run) {
        const auto c = static_cast<std::size_t>(first / run % layout.channels);
        const Grid& grid = grids[c];
        AOCQ_EXPECT(std::isnormal(grid.scale) && grid.scale > 0.0F);
        const auto zero = static_cast<float>(grid.zero_point);
        const Step step{1.0F / grid.scale, -zero, static_cast<float>(largest_code(bits)) - zero};
        for (std::int64_t at = first; at < first + run; at += piece) {
            const std::int64_t n = std::min(piece, first + run - at);
            const Sums sums = gradient_piece(x.data() + at, gy.data() + at,
                                             kept.empty() ? none_kept.data() : kept.data() + at,
                                             gx.data() + at, n, step);
            slopes[c].scale += sums.scale;
            slopes[c].zero -= sums.outside * static_cast<double>(grid.scale);
        }
    }
}

void keep_values(std::span<const float> x, std::span<const std::uint8_t> kept, std::span<float> y) {
    AOCQ_EXPECT(x.size() == kept.size() && x.size() == y.size());
    keep_run(x.data(), kept.data(), y.data(), static_cast<std::int64_t>(x.size()));
}

void draw_kept(const RandomKey& key, double probability, std::span<std::uint8_t> kept) {
    AOCQ_EXPECT(probability >= 0.0 && probability <= 1.0);
    const auto limit = static_cast<std::uint32_t>(std::lround(256.0 * probability));
    constexpr std::size_t drawn = 16;  // bytes of one block
    for (std::size_t first = 0; first < kept.size(); first += drawn) {
        const std::array<std::uint32_t, 4> words = key.block(first / drawn);
        const std::size_t count = std::min(drawn, kept.size() - first);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t byte = (words[i / 4] >> (8 * (i % 4))) & 0xFFU;
            kept[first + i] = byte < limit ? 1 : 0;
        }
    }
}

}  // namespace aocq::quant
