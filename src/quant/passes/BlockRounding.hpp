// SPDX-License-Identifier: Apache-2.0
// Rounds the weights of one block, layer by layer, on inputs from the quantized prefix.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "quant/BatchedRun.hpp"
#include "quant/Pass.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/LayerMoments.hpp"
#include "quant/passes/RoundingOptions.hpp"

namespace aocq::quant {

class BlockRounding {
  public:
    // The references must outlive the object. Adds the biases that the options ask for.
    BlockRounding(const RoundingOptions& options, const PassContext& context, QuantizedModel& model,
                  std::size_t block);

    // Every linear layer; the walk's student is left behind the block.
    void apply(Json& report);

  private:
    // What is known of a layer, and how its cross term is used; without a ridge it is not.
    struct Known {
        LayerMoments moments;
        std::optional<double> ridge;
    };

    void layer(std::size_t node, Json& report);
    Known known_of(std::size_t node, const at::Tensor& weight, const Quantizer* input);
    // The float model's input of a node; of nothing where only the prefix is followed.
    Followed followed_at(std::size_t node);
    void start_teacher();
    at::Tensor weights_of(std::size_t node, std::int64_t rows) const;
    at::Tensor output_of(std::size_t node, std::int64_t outputs) const;
    void correct_bias(const std::string& name, const at::Tensor& weight, const at::Tensor& rounded,
                      const LayerMoments& moments);

    const RoundingOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t block_;
    nn::Graph graph_;
    nn::Parameters teacher_parameters_;
    std::unique_ptr<BlockRun> student_;
    std::unique_ptr<PiecewiseRun> teacher_;  // from the first layer on that follows it
};

}  // namespace aocq::quant
