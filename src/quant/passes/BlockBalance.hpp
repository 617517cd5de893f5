// SPDX-License-Identifier: Apache-2.0
// channel_balance on one block: each site's search, its acceptance on held-back images, the fold
// and the grids that the balanced values need.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "quant/Pass.hpp"
#include "quant/passes/BalanceOptions.hpp"
#include "quant/passes/LayerBalance.hpp"
#include "quant/passes/LogitsJudge.hpp"

namespace aocq::quant {

class BlockBalance {
  public:
    // The references must outlive the object. `expected`: the judging images' logits, made by the
    // first block's judge.
    BlockBalance(const BalanceOptions& options, const PassContext& context, QuantizedModel& model,
                 std::size_t block, at::Tensor& expected);

    // Adds one entry per site to the report.
    void apply(Json& report);

  private:
    // What a fold may change, to go back to.
    struct Snapshot {
        Quantization quantization;
        std::vector<nn::GraphEdit> edits;
        nn::Parameters balanced;
        double divergence = 0;
    };

    void run_float();
    void make_judge(at::Tensor& expected);
    std::optional<Snapshot> snapshot(const BalanceSite& site) const;
    void settle(const std::optional<Snapshot>& before, const BalanceSite& site, Json& entry);

    // The report's entry; null where there is nothing to balance.
    Json* balance_layer(const BalanceSite& site, Json& report);
    std::pair<LayerSearch::Candidate, LayerSearch::Judged> refined(
        const LayerSearch& search, const LayerSearch::Candidate& found) const;
    Json* balance_scores(const BalanceSite& site, Json& report);
    LayerTask task_of(const BalanceSite& site);
    std::optional<Companion> companion_of(const BalanceSite& site);
    void refit(const BalanceSite& site, const at::Tensor& x, const LayerSearch::Candidate& best);
    void refit_weights();
    void note_outputs(const BalanceSite& site);

    const std::string& name(std::size_t node) const { return context_.graph.nodes()[node].name; }
    nn::ValueId input_of(std::size_t node, std::size_t i = 0) const {
        return context_.graph.nodes()[node].inputs[i];
    }
    Quantizer* quantizer(std::size_t node, nn::Operand operand) {
        return model_.quantization.find(find_site(context_, node, operand).name);
    }
    at::Tensor weights_of(std::size_t node) const;  // [images, rows of an image]
    at::Tensor joined_weight(const BalanceSite& site) const;
    std::optional<std::size_t> product_of(const BalanceSite& site) const;
    std::vector<std::string> touched_by(const BalanceSite& site) const;

    const BalanceOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t block_;
    std::vector<BalanceSite> sites_;
    nn::Values values_;  // of the float model, all calibration images
    std::unique_ptr<LogitsJudge> judge_;
    std::set<std::size_t> moved_;  // nodes whose result an accepted fold changed
    std::set<std::size_t> stale_;  // linear layers whose weight changed after its grids were fitted
};

}  // namespace aocq::quant
