// SPDX-License-Identifier: Apache-2.0
// Writes a graph node by node; a family's builder reads like the figure in its paper.
#pragma once

#include <string>
#include <vector>

#include "nn/Graph.hpp"

namespace aocq::nn {

class GraphBuilder {
  public:
    explicit GraphBuilder(const std::string& input_name);  // the image, [B, C, H, W]

    ValueId input() const { return 0; }
    ValueId add(std::string name, Op op, std::vector<ValueId> inputs, Role role = Role::none);

    // Operators with parameters; `name` is the prefix of timm's parameter names.
    ValueId linear(const std::string& name, ValueId x, std::int64_t in, std::int64_t out,
                   Role role = Role::linear, bool bias = true);
    ValueId layer_norm(const std::string& name, ValueId x, std::int64_t width, double epsilon);
    ValueId patch_convolution(const std::string& name, ValueId x, std::int64_t in, std::int64_t out,
                              std::int64_t patch);
    void parameter(std::string name, std::vector<std::int64_t> shape);

    void begin_block(std::string name);
    void end_block();
    Graph finish(ValueId output);  // the builder is used up

  private:
    Graph graph_;
};

}  // namespace aocq::nn
