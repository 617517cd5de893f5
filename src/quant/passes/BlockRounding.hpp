// SPDX-License-Identifier: Apache-2.0
// Rounds the weights of one block, layer by layer, on inputs from the quantized prefix.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

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

    // Every linear layer; the model's walk is left behind the block.
    void apply(Json& report);

  private:
    // What is known of a layer, and the ridge of its cross term.
    struct Known {
        LayerMoments moments;
        double ridge = 0;
    };

    void layer(std::size_t node, Json& report);
    Known known_of(std::size_t node, const at::Tensor& weight, const Quantizer* input,
                   CrossTerm cross);
    at::Tensor rows_of(const at::Tensor& value) const;
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
    std::unique_ptr<PiecewiseRun> teacher_;  // where the float model is followed
};

}  // namespace aocq::quant
