// SPDX-License-Identifier: Apache-2.0
#include "nn/Accounting.hpp"

#include <set>

namespace aocq::nn {
namespace {

// Every output of a product is a sum over this many multiplications.
std::int64_t summands(const Graph& graph, const Node& node, const std::vector<Shape>& shapes) {
    const auto per_output = [&](const std::string& weight) {
        const Shape& shape = graph.find_parameter(weight)->shape;
        return count_of(shape) / shape[0];
    };
    if (const auto* convolution = std::get_if<PatchConvolution>(&node.op))
        return per_output(convolution->weight);
    if (const auto* linear = std::get_if<Linear>(&node.op)) return per_output(linear->weight);
    if (std::holds_alternative<Matmul>(node.op))
        return shapes[static_cast<std::size_t>(node.inputs[0])].back();
    return 0;
}

}  // namespace

ModelCost model_cost(const Graph& graph, const Shape& image) {
    const std::vector<Shape> shapes = value_shapes(graph, image);
    ModelCost cost;
    std::set<std::string> counted;
    for (const Node& node : graph.nodes()) {
        NodeCost here;
        here.activations = count_of(shapes[static_cast<std::size_t>(node.output)]);
        here.macs = here.activations * summands(graph, node, shapes);
        for (const auto& name : parameters_of(node.op)) {
            if (counted.insert(name).second)
                here.parameters += count_of(graph.find_parameter(name)->shape);
        }
        cost.total.macs += here.macs;
        cost.total.parameters += here.parameters;
        cost.total.activations += here.activations;
        cost.nodes.push_back(here);
    }
    return cost;
}

}  // namespace aocq::nn
