// SPDX-License-Identifier: Apache-2.0
// One block of the student behind its quantized prefix: the value that an operand has there, with
// the activations before it quantized and the weights as they are by now.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"

namespace aocq::quant {

class BlockRun {
  public:
    enum class Weights {
        as_they_are,  // float, or on their grids where a pass has rounded them
        on_grids,     // every weight that has a fitted quantizer is put on its grid
    };
    // The references must outlive the run; `model` may change between calls.
    BlockRun(const PassContext& context, const QuantizedModel& model, std::size_t block,
             Weights weights = Weights::as_they_are);

    // The values of these ids just before node `stop` runs, over the given images (all where the
    // list is empty): [images, ...] f32.
    nn::Values before(std::size_t stop, const std::vector<nn::ValueId>& values,
                      const std::vector<std::int64_t>& images = {}) const;

    // The policy with every activation of the block's nodes before `stop`, as the model has it now.
    SitePolicy policy(std::size_t stop) const;
    const nn::Graph& graph() const { return graph_; }
    nn::Parameters parameters() const;

  private:
    const PassContext& context_;
    const QuantizedModel& model_;
    std::size_t block_;
    Weights weights_;
    nn::Graph graph_;
    at::Tensor entrance_;
};

}  // namespace aocq::quant
