// SPDX-License-Identifier: Apache-2.0
// Calibration images made from a model alone (PSAQ-ViT, arXiv 2203.02250; METHODS 3.5): noise that
// gradient steps turn into what the float model sees as patches that differ and an object of some
// class. Every image has its own start, label, shifts and loss, all keyed by its number, so what an
// image becomes depends on no other one.
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/Random.hpp"
#include "nn/Executor.hpp"
#include "quant/PatchSimilarity.hpp"
#include "quant/SynthesisOptions.hpp"

namespace aocq::quant {

// What a model takes as its input: S x S pixels, normalised values of a channel in low .. high.
struct ImageForm {
    std::int64_t size;  // S, pixels
    std::array<float, 3> low, high;
};

// Of each image, [b] f32.
struct SynthesisLosses {
    at::Tensor entropy;    // minus the patch similarity entropy, summed over layers
    at::Tensor label;      // cross entropy with the image's label
    at::Tensor variation;  // distance of the total variation from its target
    at::Tensor critic;     // what a critic says; undefined without one
};

// Another loss [b] of images [b, 3, S, S] whose logits in the float model are [b, classes];
// differentiable in the images.
using ImageCritic = std::function<at::Tensor(const at::Tensor& images, const at::Tensor& logits)>;

class ImageSynthesis {
  public:
    // The graph and parameters must outlive it; it computes on the parameters' device. Images of
    // different keys have nothing to do with each other.
    ImageSynthesis(const nn::Graph& graph, const nn::Parameters& parameters, const ImageForm& form,
                   const SynthesisOptions& options, const RandomKey& key, ImageCritic critic = {});

    // Images with numbers [first, last): [last - first, 3, S, S] f32 on the CPU. `may_stop` is
    // called before every step and throws to leave off.
    at::Tensor make(std::int64_t first, std::int64_t last,
                    const std::function<void()>& may_stop) const;

    // Losses of images [b, 3, S, S] as they lie, without shift; `first` is the number of the first.
    SynthesisLosses losses(const at::Tensor& images, std::int64_t first) const;
    at::Tensor weighted(const SynthesisLosses& losses) const;  // [b]

    // The class that image `image` is to show, of `classes`.
    std::int64_t label(std::int64_t image, std::int64_t classes) const;

  private:
    RandomKey key_of(std::int64_t image) const;
    at::Tensor start(std::int64_t image) const;
    at::Tensor label_loss(const at::Tensor& logits, std::int64_t first) const;
    at::Tensor variation_loss(const at::Tensor& images, std::int64_t first) const;
    void clip(at::Tensor& images) const;

    const nn::Graph& graph_;
    const nn::Parameters& parameters_;
    ImageForm form_;
    SynthesisOptions options_;
    RandomKey key_;
    ImageCritic critic_;
    PatchSimilarity similarity_;
    at::Tensor low_, high_;  // [1, 3, 1, 1]
};

// The anisotropic total variation by which the released code holds its images: the norms of the
// differences to the right, lower and both diagonal neighbours, summed. [b, 3, S, S] -> [b].
at::Tensor total_variation(const at::Tensor& images);

}  // namespace aocq::quant
