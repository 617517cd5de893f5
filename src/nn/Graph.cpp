// SPDX-License-Identifier: Apache-2.0
#include "nn/Graph.hpp"

#include <algorithm>

#include "core/Sha256.hpp"

namespace aocq::nn {
namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Json attributes(const Op& op) {
    return std::visit(Overloaded{
                          [](const PatchConvolution& o) {
                              return Json{{"stride", o.stride}};
                          },
                          [](const LayerNorm& o) {
                              return Json{{"epsilon", o.epsilon}};
                          },
                          [](const SplitHeads& o) {
                              return Json{{"heads", o.heads}, {"parts", o.parts}, {"part", o.part}};
                          },
                          [](const Matmul& o) {
                              return Json{{"transpose_rhs", o.transpose_rhs}, {"factor", o.factor}};
                          },
                          [](const SelectToken& o) {
                              return Json{{"index", o.index}};
                          },
                          [](const Roll& o) {
                              return Json{{"shift", o.shift}};
                          },
                          [](const MeanTokens& o) {
                              return Json{{"skip", o.skip}};
                          },
                          [](const WindowPartition& o) {
                              return Json{{"window", o.window}};
                          },
                          [](const WindowReverse& o) {
                              return Json{{"window", o.window}};
                          },
                          [](const RelativePositionBias& o) {
                              return Json{{"window", o.window}};
                          },
                          [](const ShiftMask& o) {
                              return Json{{"window", o.window}, {"shift", o.shift}};
                          },
                          [](const auto&) { return Json::object(); },
                      },
                      op);
}

}  // namespace

std::string_view op_name(const Op& op) {
    constexpr std::string_view names[] = {"patch_convolution",
                                          "flatten_patches",
                                          "prepend_tokens",
                                          "add_parameter",
                                          "scale_channels",
                                          "layer_norm",
                                          "linear",
                                          "split_heads",
                                          "merge_heads",
                                          "matmul",
                                          "softmax",
                                          "gelu",
                                          "tanh",
                                          "add",
                                          "average",
                                          "select_token",
                                          "channels_last",
                                          "roll",
                                          "window_partition",
                                          "window_reverse",
                                          "relative_position_bias",
                                          "shift_mask",
                                          "merge_patches",
                                          "mean_tokens"};
    static_assert(std::size(names) == std::variant_size_v<Op>);
    return names[op.index()];
}

std::vector<std::string> parameters_of(const Op& op) {
    std::vector<std::string> names =
        std::visit(Overloaded{
                       [](const PatchConvolution& o) {
                           return std::vector{o.weight, o.bias};
                       },
                       [](const PrependTokens& o) { return o.tokens; },
                       [](const AddParameter& o) { return std::vector{o.parameter}; },
                       [](const ScaleChannels& o) { return std::vector{o.parameter}; },
                       [](const Gelu& o) {
                           return std::vector{o.shift, o.scale};
                       },
                       [](const LayerNorm& o) {
                           return std::vector{o.weight, o.bias};
                       },
                       [](const Linear& o) {
                           return std::vector{o.weight, o.bias};
                       },
                       [](const RelativePositionBias& o) { return std::vector{o.table}; },
                       [](const auto&) { return std::vector<std::string>{}; },
                   },
                   op);
    std::erase(names, "");
    return names;
}

const ParameterSpec* Graph::find_parameter(std::string_view name) const {
    const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                    [&](const ParameterSpec& p) { return p.name == name; });
    return found == parameters_.end() ? nullptr : &*found;
}

std::optional<ValueId> Graph::find_value(std::string_view name) const {
    const auto found = std::find(value_names_.begin(), value_names_.end(), name);
    if (found == value_names_.end()) return std::nullopt;
    return static_cast<ValueId>(found - value_names_.begin());
}

std::size_t Graph::node_index(std::string_view name) const {
    const auto found =
        std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& n) { return n.name == name; });
    AOCQ_EXPECT(found != nodes_.end());
    return static_cast<std::size_t>(found - nodes_.begin());
}

Json describe(const Graph& graph) {
    Json nodes = Json::array();
    for (const Node& node : graph.nodes()) {
        nodes.push_back({{"name", node.name},
                         {"op", op_name(node.op)},
                         {"attributes", attributes(node.op)},
                         {"parameters", parameters_of(node.op)},
                         {"inputs", node.inputs},
                         {"output", node.output},
                         {"role", static_cast<int>(node.role)}});
    }
    Json parameters = Json::array();
    for (const auto& parameter : graph.parameters()) {
        parameters.push_back({{"name", parameter.name}, {"shape", parameter.shape}});
    }
    return {{"nodes", nodes}, {"parameters", parameters}, {"output", graph.output()}};
}

std::string Graph::fingerprint() const {
    return sha256_hex(canonical_json(describe(*this)));
}

}  // namespace aocq::nn
