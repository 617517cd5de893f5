// SPDX-License-Identifier: Apache-2.0
#include "nn/GraphBuilder.hpp"

#include <utility>

namespace aocq::nn {

GraphBuilder::GraphBuilder(const std::string& input_name) {
    graph_.value_names_.push_back(input_name);
}

ValueId GraphBuilder::add(std::string name, Op op, std::vector<ValueId> inputs, Role role) {
    const auto output = static_cast<ValueId>(graph_.value_names_.size());
    for (const ValueId input : inputs) AOCQ_EXPECT(input >= 0 && input < output);
    graph_.value_names_.push_back(name);
    graph_.nodes_.push_back({std::move(name), std::move(op), std::move(inputs), output, role});
    return output;
}

void GraphBuilder::parameter(std::string name, std::vector<std::int64_t> shape) {
    AOCQ_EXPECT(!graph_.find_parameter(name));
    graph_.parameters_.push_back({std::move(name), std::move(shape)});
}

ValueId GraphBuilder::linear(const std::string& name, ValueId x, std::int64_t in, std::int64_t out,
                             Role role, bool bias) {
    parameter(name + ".weight", {out, in});
    if (bias) parameter(name + ".bias", {out});
    return add(name, Linear{name + ".weight", bias ? name + ".bias" : ""}, {x}, role);
}

ValueId GraphBuilder::layer_norm(const std::string& name, ValueId x, std::int64_t width,
                                 double epsilon) {
    parameter(name + ".weight", {width});
    parameter(name + ".bias", {width});
    return add(name, LayerNorm{name + ".weight", name + ".bias", epsilon}, {x});
}

ValueId GraphBuilder::patch_convolution(const std::string& name, ValueId x, std::int64_t in,
                                        std::int64_t out, std::int64_t patch) {
    parameter(name + ".weight", {out, in, patch, patch});
    parameter(name + ".bias", {out});
    return add(name, PatchConvolution{name + ".weight", name + ".bias", patch}, {x}, Role::patch);
}

void GraphBuilder::begin_block(std::string name) {
    graph_.blocks_.push_back({std::move(name), graph_.nodes_.size(), 0});
}

void GraphBuilder::end_block() {
    AOCQ_EXPECT(!graph_.blocks_.empty() && graph_.blocks_.back().last == 0);
    graph_.blocks_.back().last = graph_.nodes_.size();
}

Graph GraphBuilder::finish(ValueId output) {
    graph_.output_ = output;
    return std::move(graph_);
}

}  // namespace aocq::nn
