// SPDX-License-Identifier: Apache-2.0
#include "nn/Shapes.hpp"

#include <functional>
#include <numeric>

namespace aocq::nn {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

// The output's shape of one node; the same cases as the executor's.
class ShapeRule {
  public:
    ShapeRule(const Graph& graph, const std::vector<Shape>& inputs) : graph_(graph), in_(inputs) {}

    Shape operator()(const PatchConvolution& op) const {
        const Shape& x = in_[0];
        return {x[0], parameter(op.weight)[0], x[2] / op.stride, x[3] / op.stride};
    }
    Shape operator()(const FlattenPatches&) const {
        return {in_[0][0], in_[0][2] * in_[0][3], in_[0][1]};
    }
    Shape operator()(const PrependTokens& op) const {
        return {in_[0][0], in_[0][1] + static_cast<std::int64_t>(op.tokens.size()), in_[0][2]};
    }
    Shape operator()(const Linear& op) const {
        Shape out = in_[0];
        AOCQ_EXPECT(out.back() == parameter(op.weight)[1]);
        out.back() = parameter(op.weight)[0];
        return out;
    }
    Shape operator()(const SplitHeads& op) const {
        const Shape& x = in_[0];
        return {x[0], op.heads, x[1], x[2] / (op.parts * op.heads)};
    }
    Shape operator()(const MergeHeads&) const {
        const Shape& x = in_[0];
        return {x[0], x[2], x[1] * x[3]};
    }
    Shape operator()(const Matmul& op) const {
        Shape out = in_[0];
        AOCQ_EXPECT(out.back() == in_[1][in_[1].size() - (op.transpose_rhs ? 1 : 2)]);
        out.back() = in_[1][in_[1].size() - (op.transpose_rhs ? 2 : 1)];
        return out;
    }
    Shape operator()(const SelectToken&) const { return {in_[0][0], in_[0][2]}; }
    Shape operator()(const MeanTokens&) const { return {in_[0].front(), in_[0].back()}; }
    Shape operator()(const ChannelsLast&) const {
        return {in_[0][0], in_[0][2], in_[0][3], in_[0][1]};
    }
    Shape operator()(const WindowPartition& op) const {
        const Shape& x = in_[0];
        const std::int64_t windows =
            round_up(x[1], op.window) * round_up(x[2], op.window) / (op.window * op.window);
        return {x[0] * windows, op.window * op.window, x[3]};
    }
    Shape operator()(const WindowReverse&) const {
        return {in_[1][0], in_[1][1], in_[1][2], in_[0][2]};
    }
    Shape operator()(const MergePatches&) const {
        const Shape& x = in_[0];
        return {x[0], (x[1] + 1) / 2, (x[2] + 1) / 2, 4 * x[3]};
    }
    // Element by element: AddParameter, ScaleChannels, LayerNorm, Softmax, Gelu, Tanh, Add,
    // Average, Roll, RelativePositionBias, ShiftMask.
    template <class Elementwise>
    Shape operator()(const Elementwise&) const {
        return in_[0];
    }

  private:
    const Shape& parameter(const std::string& name) const {
        const ParameterSpec* found = graph_.find_parameter(name);
        AOCQ_EXPECT(found);
        return found->shape;
    }

    const Graph& graph_;
    const std::vector<Shape>& in_;
};

}  // namespace

std::int64_t count_of(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<Shape> value_shapes(const Graph& graph, const Shape& image) {
    AOCQ_EXPECT(image.size() == 4);
    std::vector<Shape> shapes(graph.value_names().size());
    shapes[static_cast<std::size_t>(graph.input())] = image;
    for (const Node& node : graph.nodes()) {
        std::vector<Shape> inputs;
        for (const ValueId input : node.inputs)
            inputs.push_back(shapes[static_cast<std::size_t>(input)]);
        shapes[static_cast<std::size_t>(node.output)] =
            std::visit(ShapeRule(graph, inputs), node.op);
    }
    return shapes;
}

}  // namespace aocq::nn
