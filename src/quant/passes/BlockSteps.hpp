// SPDX-License-Identifier: Apache-2.0
// activation_step on one block: the quantizers of its activations, site by site or all at once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "quant/Pass.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/StepLoss.hpp"
#include "quant/passes/StepOptions.hpp"

namespace aocq::quant {

class BlockSteps {
  public:
    // The references must outlive the object.
    BlockSteps(const StepOptions& options, const PassContext& context, QuantizedModel& model,
               std::size_t block);

    // Adds one entry per site to the report; with the block's objective one per block.
    void apply(Json& report);

  private:
    struct Losses {
        std::unique_ptr<StepLoss> search, judge;
    };

    // Static activation sites of the block that are quantized.
    std::vector<Site> sites() const;
    void improve(const Site& site, Json& report);
    Quantizer improved(const Site& site, const Quantizer& start, const StepLoss& loss) const;
    Losses losses_of(const Site& site);
    Losses of_linear(const Site& site);
    Losses of_attention(const Site& site);
    std::size_t projection_after(std::size_t node) const;
    at::Tensor weights_of(const std::string& name) const;

    const StepOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t index_;
    nn::Block block_;
    BlockRun run_;
    Split split_;
};

}  // namespace aocq::quant
