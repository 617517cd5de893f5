// SPDX-License-Identifier: Apache-2.0
// Some of the calibration images: which ones, and their part of a value.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "core/Random.hpp"

namespace aocq::quant {

// `count` of the listed images in ascending order, keyed: without replacement as far as they go.
std::vector<std::int64_t> draw_images(const std::vector<std::int64_t>& images, std::int64_t count,
                                      const RandomKey& key);

// At most `most` of 0 .. count - 1, ascending.
std::vector<std::int64_t> evenly_spaced(std::int64_t count, std::int64_t most);

// At most `most` of the listed images, evenly spaced in the list.
std::vector<std::int64_t> thinned(const std::vector<std::int64_t>& images, std::int64_t most);

// [places] i64, to select by.
at::Tensor index_of(const std::vector<std::int64_t>& places, const at::Device& device);

// At most `most` evenly spaced rows of an axis, contiguous; 0: all.
at::Tensor spaced_rows(const at::Tensor& x, std::int64_t axis, std::int64_t most);

// value [all * rows, ...], the rows of an image (windows, say) one after another -> the same for
// the listed images, [listed * rows, ...].
at::Tensor rows_of_images(const at::Tensor& value, const std::vector<std::int64_t>& images,
                          std::int64_t all);

// 1 with the given probability, otherwise 0, keyed: u8 of these sizes, on the CPU.
at::Tensor kept_values(at::IntArrayRef sizes, double probability, const RandomKey& key);

}  // namespace aocq::quant
