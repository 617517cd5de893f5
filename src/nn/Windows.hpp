// SPDX-License-Identifier: Apache-2.0
// Tensor code of shifted windows (Liu et al. 2021, arXiv:2103.14030), on maps [B, H, W, C]. Sizes
// come from the map, so any input size works; a map that is no multiple of the window is padded
// with zeros at its bottom and right, after the shift, as timm does it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace aocq::nn {

// [B, H, W, C] -> [B * windows, window^2, C]; an image's windows follow each other, row by row.
at::Tensor window_partition(const at::Tensor& map, std::int64_t window);

// The way back, without what was padded: [B * windows, window^2, C] -> [B, height, width, C].
at::Tensor window_reverse(const at::Tensor& windows, std::int64_t window, std::int64_t batch,
                          std::int64_t height, std::int64_t width);

// [window^2, window^2] i64: the row of the bias table that belongs to (query, key). Remembered.
at::Tensor relative_position_index(std::int64_t window, const at::Device& device);

// [windows, window^2, window^2]: 0 where two places of a shifted map are neighbours in the image,
// -100 where only the shift brought them together. Remembered by size, type and device.
at::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                      std::int64_t shift, const at::TensorOptions& options);

// Space to depth: [B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 4 * C], the four places of a 2x2 square
// column by column: (0,0), (1,0), (0,1), (1,1). An odd map is padded with zeros.
at::Tensor merge_patches(const at::Tensor& map);

}  // namespace aocq::nn
