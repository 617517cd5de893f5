// SPDX-License-Identifier: Apache-2.0
// What a model costs: multiplications, parameters and activations, node by node.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/Graph.hpp"
#include "nn/Shapes.hpp"

namespace aocq::nn {

struct NodeCost {
    // Multiply-accumulate operations of convolutions, linear layers and both products of attention,
    // as papers count them; everything else (norms, softmax, activations, biases) counts as none.
    std::int64_t macs = 0;
    std::int64_t parameters = 0;   // one that several nodes read counts at the first
    std::int64_t activations = 0;  // values that the node puts out
};

struct ModelCost {
    std::vector<NodeCost> nodes;  // parallel to graph.nodes()
    NodeCost total;
};

// For one forward pass of `image` [B, C, H, W]; with B = 1, of one image.
ModelCost model_cost(const Graph& graph, const Shape& image);

}  // namespace aocq::nn
