// SPDX-License-Identifier: Apache-2.0
// How an activation in memory is read by the statistics: every axis has a role, outermost axis
// first. Axes of the same role combine in order: [B, H, N, D] with H and D as channels has channel
// h * D + d.
#pragma once

#include <cstdint>
#include <vector>

namespace aocq::quant {

enum class Role {
    image,  // statistics are made per image and folded in image order; exactly one axis, which may
            // have size 1
    token,  // position in the sequence
    channel,  // what per-channel statistics belong to
    other,    // summed over
};

struct Axis {
    Role role;
    std::int64_t size;
    std::int64_t stride;  // in values
    bool operator==(const Axis&) const = default;
};

struct Activation {
    std::vector<Axis> axes;

    // Dense tensors. A linear layer's input [B, N, C]; [B, C] is tokens = 1.
    static Activation linear(std::int64_t images, std::int64_t tokens, std::int64_t channels);
    // Query, key or value [B * windows, H, N, D]: channels are (h, d), tokens (window, n). One
    // window per image where attention is global.
    static Activation heads(std::int64_t images, std::int64_t heads, std::int64_t tokens,
                            std::int64_t width, std::int64_t windows = 1);
    // Attention probabilities [B * windows, H, N, M]: channels are heads, tokens are query
    // positions (window, n).
    static Activation probabilities(std::int64_t images, std::int64_t heads, std::int64_t queries,
                                    std::int64_t keys, std::int64_t windows = 1);
    // Pixels or feature maps [B, C, H, W]: no tokens.
    static Activation picture(std::int64_t images, std::int64_t channels, std::int64_t height,
                              std::int64_t width);

    std::int64_t extent(Role role) const;  // product of the sizes; 1 where there is none
    std::int64_t values() const;           // of all images
    std::int64_t span() const;             // one more than the largest offset; 0 where empty
};

// A stretch along the last axis, relative to its image.
struct Run {
    std::int64_t offset;
    std::int64_t channel;  // of its first value
    std::int64_t token;    // of its first value
};

// All stretches of one image, in memory order of the axes. The last axis must not be the image's.
std::vector<Run> runs_of_image(const Activation& view);

// The offset of the index-th value of an image, counted along the axes.
std::int64_t offset_in_image(const Activation& view, std::int64_t index);

}  // namespace aocq::quant
