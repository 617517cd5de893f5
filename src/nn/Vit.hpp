// SPDX-License-Identifier: Apache-2.0
// The ViT family (Dosovitskiy et al. 2020; DeiT, Touvron et al. 2020; DeiT III, Touvron et al.
// 2022) with timm's parameter names.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/EnumTable.hpp"
#include "core/Fields.hpp"
#include "nn/Graph.hpp"

namespace aocq::nn {

enum class Pooling {
    token,    // the class token
    average,  // the mean of the patches, without learned tokens
};
inline constexpr EnumTable<Pooling, 2> poolings{{{
    {Pooling::token, "token"},
    {Pooling::average, "average"},
}}};

struct VitShape {
    std::int64_t image_size = 224;  // pixels
    std::int64_t patch_size = 16;   // pixels
    std::int64_t width = 192;
    std::int64_t depth = 12;
    std::int64_t heads = 3;
    double mlp_ratio = 4.0;
    std::int64_t classes = 1000;
    // A second learned token and head; the output is the mean of both heads.
    bool distilled = false;
    bool class_token = true;
    // Learned tokens have a position embedding of their own. DeiT III adds positions to the patches
    // before it puts the token in front.
    bool token_position = true;
    bool layer_scale = false;  // a learned factor per channel behind attention and MLP
    Pooling pooling = Pooling::token;
    // The last LayerNorm stands behind the pooling ("fc_norm") and not before it ("norm").
    bool norm_after_pooling = false;
    std::int64_t pre_logits = 0;  // outputs of a linear layer with tanh before the head; 0: none
    double epsilon = 1e-6;        // of every LayerNorm

    std::int64_t patches() const { return (image_size / patch_size) * (image_size / patch_size); }
    std::int64_t learned_tokens() const { return (class_token ? 1 : 0) + (distilled ? 1 : 0); }
};

// Reads its keys, leaves finish() to the caller. norm_after_pooling follows the pooling where it is
// not given, as in timm.
VitShape vit_shape_from(Fields& fields);
Json to_json(const VitShape& shape);

// timm's name -> the name in DeiT III's own files, where layer scale is called gamma_1 and gamma_2.
// Empty for a shape without layer scale: all other names agree.
std::map<std::string, std::string> original_vit_names(const VitShape& shape);

// [B, 3, S, S] f32 -> logits [B, classes] f32
Graph build_vit(const VitShape& shape);

}  // namespace aocq::nn
