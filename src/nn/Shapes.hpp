// SPDX-License-Identifier: Apache-2.0
// The shape of every value of a graph, without running it.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/Graph.hpp"

namespace aocq::nn {

using Shape = std::vector<std::int64_t>;

std::int64_t count_of(const Shape& shape);  // of its elements

// Shapes by value id; [0] is `image`, [B, C, H, W]. The image must fit the graph's parameters, as
// one of the size that the model was built for does.
std::vector<Shape> value_shapes(const Graph& graph, const Shape& image);

}  // namespace aocq::nn
