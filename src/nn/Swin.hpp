// SPDX-License-Identifier: Apache-2.0
// The Swin family (Liu et al. 2021, arXiv:2103.14030), version 1, with timm's parameter names:
// patch merging stands at the start of a stage. Masks and the bias' index are computed, not loaded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/Fields.hpp"
#include "nn/Graph.hpp"

namespace aocq::nn {

struct SwinShape {
    std::int64_t image_size = 224;  // pixels
    std::int64_t patch_size = 4;    // pixels
    std::int64_t window = 7;        // places on a side
    std::int64_t width = 96;        // channels of the first stage; each merging doubles them
    std::vector<std::int64_t> depths{2, 2, 6, 2};   // blocks per stage
    std::vector<std::int64_t> heads{3, 6, 12, 24};  // per stage
    double mlp_ratio = 4.0;
    std::int64_t classes = 1000;
    double epsilon = 1e-5;  // of every LayerNorm
};

SwinShape swin_shape_from(Fields& fields);  // reads its keys, leaves finish() to the caller
Json to_json(const SwinShape& shape);

// timm's name -> the name in the original repository's files (microsoft/Swin-Transformer), where
// patch merging ends a stage and the head has no "fc". Names that agree are there too.
std::map<std::string, std::string> original_swin_names(const SwinShape& shape);

// [B, 3, S, S] f32 -> logits [B, classes] f32
Graph build_swin(const SwinShape& shape);

}  // namespace aocq::nn
