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

// value [all * rows, ...], the rows of an image (windows, say) one after another -> the same for
// the listed images, [listed * rows, ...].
at::Tensor rows_of_images(const at::Tensor& value, const std::vector<std::int64_t>& images,
                          std::int64_t all);

// 1 with the given probability, otherwise 0, keyed: u8 of these sizes, on the CPU.
at::Tensor kept_values(at::IntArrayRef sizes, double probability, const RandomKey& key);

}  // namespace aocq::quant
