// SPDX-License-Identifier: Apache-2.0
// Gradients of the loss, label-free, at values inside a segment: what PTQ4ViT weighs output errors
// with (arXiv 2111.12293; METHODS 3.2).
#pragma once

#include <map>
#include <vector>

#include "quant/passes/ScaleSearchOptions.hpp"
#include "quant/passes/Segment.hpp"

namespace aocq::quant {

struct GradientOptions {
    GradientSource source = GradientSource::sampled;
    int draws = 1;  // labels per image; the root of the mean square of their gradients counts
};

// Of the float model from the segment's entrance to the logits, a few images at a time. Shapes are
// those of the values over all images; beyond the walk's limit they lie in a temporary file.
std::map<nn::ValueId, at::Tensor> output_gradients(const PassContext& context,
                                                   const QuantizedModel& model,
                                                   const Segment& segment,
                                                   const std::vector<nn::ValueId>& values,
                                                   const GradientOptions& options);

}  // namespace aocq::quant
