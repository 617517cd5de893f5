// SPDX-License-Identifier: Apache-2.0
// How a dense tensor is shared out among grids: it is seen as [outer, channels, inner], and the
// grid's index is the channel. This one description covers every granularity:
//   per tensor: {1, 1, n} · last axis [.., C]: {rows, C, 1} · per head [B, H, N, D]: {B, H, N*D}
//   output channels [O, C]: {1, O, C} · groups of g inputs [O, C]: {1, O*C/g, g}
#pragma once

#include <cstdint>

namespace aocq::quant {

struct Layout {
    std::int64_t outer = 1;
    std::int64_t channels = 1;
    std::int64_t inner = 1;

    static constexpr Layout per_tensor(std::int64_t values) { return {1, 1, values}; }
    static constexpr Layout last_axis(std::int64_t rows, std::int64_t channels) {
        return {rows, channels, 1};
    }
    constexpr std::int64_t size() const { return outer * channels * inner; }
    bool operator==(const Layout&) const = default;
};

}  // namespace aocq::quant
