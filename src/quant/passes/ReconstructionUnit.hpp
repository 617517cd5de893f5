// SPDX-License-Identifier: Apache-2.0
// A block or one linear layer on all calibration images: what it is fed and what its output is
// compared with.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/Random.hpp"
#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"

namespace aocq::quant {

// Nodes [first, last), which use one value from outside.
struct UnitRange {
    std::string name;
    std::size_t first, last;
    nn::ValueId entrance;
};

// [images * rows, ...] f32 each, undefined where not asked for.
struct UnitValues {
    at::Tensor student, teacher;  // at the entrance, behind the quantized and the float prefix
    at::Tensor target;            // at the exit
};

// How much an error counts: of a token [images, N] and of a channel [C], mean one; undefined: all
// alike.
struct UnitImportance {
    at::Tensor tokens, channels;
};

// Diagonal Fisher information as the squared gradients of each token times those of each channel
// (BRECQ's weights, of rank one and so without a gradient per value kept for every image).
UnitImportance fisher_importance(const NodeSensitivity& node);

class ReconstructionUnit {
  public:
    // The context must outlive the unit.
    ReconstructionUnit(const PassContext& context, const QuantizedModel& model, UnitRange range,
                       UnitValues values, UnitImportance importance);

    const std::string& name() const { return range_.name; }
    std::int64_t images() const { return images_; }
    // The unit's sites that have a fitted quantizer; activations or weights.
    std::vector<Site> activations(const QuantizedModel& model) const;
    std::vector<Site> weights(const QuantizedModel& model) const;
    // The model's quantizers of the unit's activations.
    SitePolicy policy(const QuantizedModel& model) const;

    // The entrance of some images; with a share above 0 each value is the teacher's with this
    // probability, keyed.
    at::Tensor input(const std::vector<std::int64_t>& images, double teacher_share,
                     const RandomKey& key) const;
    at::Tensor output(const at::Tensor& input, const nn::Parameters& weights,
                      nn::OperandPolicy* policy) const;
    // Scalar: sum over channels of |error|^power by importance, mean over images and tokens.
    at::Tensor error(const at::Tensor& output, const std::vector<std::int64_t>& images,
                     double power) const;

  private:
    std::vector<Site> fitted_sites(const QuantizedModel& model, bool weights) const;

    const PassContext& context_;
    nn::Graph graph_;
    nn::Parameters parameters_;
    UnitRange range_;
    UnitValues values_;
    UnitImportance importance_;
    std::int64_t images_;
};

}  // namespace aocq::quant
