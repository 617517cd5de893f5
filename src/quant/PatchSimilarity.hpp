// SPDX-License-Identifier: Apache-2.0
// Patch similarity entropy (PSAQ-ViT, arXiv 2203.02250; METHODS 3.5): patches of a real image
// differ from each other, those of noise are all alike. How widely the cosine similarities between
// the patches of an attention output spread tells the one from the other, without data.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "nn/Executor.hpp"

namespace aocq::quant {

// Cosine similarities between all patches of an image, in one row per image. `context` are the
// attention outputs P V [images * windows, heads, N, D]; heads are averaged and the first `skip`
// places of each window (learned tokens) left out. Patches of shifted windows are compared within
// their window, since no others meet in the attention. Returns [images, windows * P * P] f32.
at::Tensor patch_similarities(const at::Tensor& context, std::int64_t images, std::int64_t skip);

// Evenly from each row's smallest to its largest similarity: [images, count], without gradient.
at::Tensor density_points(const at::Tensor& similarities, std::int64_t count = 10);

// Differential entropy of each row's kernel density f (Gaussian, bandwidth .01), as the trapezoid
// integral of -f log f over the points: [images]. Points are taken as constants.
at::Tensor density_entropy(const at::Tensor& similarities, const at::Tensor& points);

// The sum over all attention layers of a model.
class PatchSimilarity {
  public:
    explicit PatchSimilarity(const nn::Graph& graph);

    // The values that entropy() needs: the output of every attention.
    const std::vector<nn::ValueId>& taps() const { return taps_; }
    // [images] f32, differentiable in the values.
    at::Tensor entropy(const nn::Values& values, std::int64_t images) const;

  private:
    std::vector<nn::ValueId> taps_;
    std::int64_t learned_tokens_ = 0;
};

}  // namespace aocq::quant
