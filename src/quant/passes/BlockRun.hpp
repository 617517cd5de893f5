// SPDX-License-Identifier: Apache-2.0
// One block of the student behind its quantized prefix: the value that an operand has there, with
// the activations before it quantized and the weights as they are by now.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "quant/BatchedRun.hpp"
#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"

namespace aocq::quant {

class BlockRun {
  public:
    // The references must outlive the run. `model` may change between calls, but not for nodes that
    // have run. With a list of images only these are run.
    BlockRun(const PassContext& context, const QuantizedModel& model, std::size_t block,
             const std::vector<std::int64_t>& images = {});

    // Runs on to just before node `stop` (never backwards). Every node runs once.
    void advance(std::size_t stop);
    // A value that node `stop` or a later one uses: [images, ...] f32.
    const at::Tensor& value(nn::ValueId id) const { return run_->value(id); }
    // Runs to the end of the block and hands its output to the walk, which then need not run the
    // block again. For runs over all images that stopped before every linear layer, as the walk
    // does, with every weight on its grid by now.
    void leave();

    const nn::Graph& graph() const { return graph_; }
    nn::Parameters parameters() const;

  private:
    const PassContext& context_;
    const QuantizedModel& model_;
    std::size_t block_;
    nn::Block range_;
    nn::Graph graph_;
    std::unique_ptr<PiecewiseRun> run_;
};

}  // namespace aocq::quant
