// SPDX-License-Identifier: Apache-2.0
// The ViT family (Dosovitskiy et al. 2020; DeiT, Touvron et al. 2020) with timm's parameter names.
#pragma once

#include <cstdint>

#include "core/Fields.hpp"
#include "nn/Graph.hpp"

namespace aocq::nn {

struct VitShape {
    std::int64_t image_size = 224;  // pixels
    std::int64_t patch_size = 16;   // pixels
    std::int64_t width = 192;
    std::int64_t depth = 12;
    std::int64_t heads = 3;
    double mlp_ratio = 4.0;
    std::int64_t classes = 1000;
    bool distilled =
        false;              // a second learned token and head; the output is the mean of both heads
    double epsilon = 1e-6;  // of every LayerNorm

    std::int64_t patches() const { return (image_size / patch_size) * (image_size / patch_size); }
};

VitShape vit_shape_from(Fields& fields);  // reads its keys, leaves finish() to the caller
Json to_json(const VitShape& shape);

// [B, 3, S, S] f32 -> logits [B, classes] f32
Graph build_vit(const VitShape& shape);

}  // namespace aocq::nn
