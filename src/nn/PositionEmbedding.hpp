// SPDX-License-Identifier: Apache-2.0
// Learned position embeddings for another number of patches than the file was trained with, as timm
// makes them: tokens stay, the grid of patches is resampled bicubically with antialiasing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nn/Graph.hpp"

namespace aocq::nn {

// True where `found` [1, T + n*n, C] can be made into the parameter's [1, T + m*m, C]: the graph
// adds the parameter to T tokens and a square grid of patches.
bool can_resample_position(const Graph& graph, const ParameterSpec& parameter,
                           const std::vector<std::int64_t>& found);

// embedding [1, T + n*n, C] f32 -> the parameter's shape.
at::Tensor resample_position(const Graph& graph, const ParameterSpec& parameter,
                             const at::Tensor& embedding);

}  // namespace aocq::nn
