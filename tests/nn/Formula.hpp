// SPDX-License-Identifier: Apache-2.0
// Weights as a formula of name and index, exact in float32: the counterpart of
// tests/golden/nn/make_timm.py.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "nn/Executor.hpp"
#include "nn/Vit.hpp"

namespace aocq::test {

// `spread` is the width of the interval that weights fill.
inline at::Tensor formula(const std::string& name, const std::vector<std::int64_t>& shape,
                          float spread = 0.5F) {
    std::uint32_t hash = 0x811C9DC5U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
    at::Tensor tensor = at::empty(shape);
    float* values = tensor.mutable_data_ptr<float>();
    const bool gain = name.find("norm") != std::string::npos && name.ends_with(".weight");
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
        std::uint32_t bits = static_cast<std::uint32_t>(i) * 2654435761U + hash;
        bits = (bits ^ (bits >> 15)) & 0xFFFFU;
        const float value = static_cast<float>(bits) / 65536.0F - 0.5F;
        values[i] = gain ? value * 0.25F + 1.0F : value * (name == "image" ? 4.0F : spread);
    }
    return tensor;
}

inline nn::Parameters formula_parameters(const nn::Graph& graph, float spread = 0.5F) {
    nn::Parameters parameters;
    for (const auto& spec : graph.parameters())
        parameters[spec.name] = formula(spec.name, spec.shape, spread);
    return parameters;
}

// The shape of tests/golden/nn/timm_vit.json.
inline nn::VitShape small_shape() {
    nn::VitShape shape;
    shape.image_size = 32;
    shape.patch_size = 8;
    shape.width = 48;
    shape.depth = 2;
    shape.heads = 3;
    shape.classes = 10;
    return shape;
}

}  // namespace aocq::test
