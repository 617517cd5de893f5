// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "core/Random.hpp"

namespace aocq::quant {

// One class per image, drawn from the softmax of its logits [images, classes]; keyed by the image,
// the first of which has number `first`, so any rank draws the same.
std::vector<std::int64_t> draw_labels(const at::Tensor& logits, std::int64_t first,
                                      const RandomKey& key);

// Cross entropy of every image with its label: log probabilities [images, classes] -> [images].
at::Tensor label_losses(const at::Tensor& log_probabilities,
                        const std::vector<std::int64_t>& labels);

}  // namespace aocq::quant
