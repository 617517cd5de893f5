// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockBalance.hpp"

#include <algorithm>

#include "quant/BatchedRun.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/OutputRefit.hpp"
#include "quant/passes/Ranges.hpp"
#include "quant/passes/ScoresBalance.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
namespace {

// [H * D] -> [1, H, 1, D] like an operand [B, H, N, D]
at::Tensor along_heads(const at::Tensor& channels, const at::Tensor& operand) {
    return channels.view({1, operand.size(1), 1, operand.size(3)});
}

// One grid gets the range that the search found; several are fitted to their values.
void set_range(Quantizer& q, Range range, const at::Tensor& values, const Site& site) {
    const SiteScheme& scheme = q.scheme;
    if (scheme.mode == Mode::dynamic || scheme.granularity != Granularity::tensor) {
        fit_quantizer(values.contiguous(), site, q);
        return;
    }
    q.grids = {grid_from_range(range.low, range.high, scheme.bits, scheme.symmetry)};
    q.fitted = true;
}

}  // namespace

BlockBalance::BlockBalance(const BalanceOptions& options, const PassContext& context,
                           QuantizedModel& model, std::size_t block, at::Tensor& expected)
    : options_(options), context_(context), model_(model), block_(block) {
    for (BalanceSite& site : find_balance_sites(context, block)) {
        const auto& wanted = options.sites;
        if (std::find(wanted.begin(), wanted.end(), site.kind) != wanted.end())
            sites_.push_back(std::move(site));
    }
    if (options.judges > 0) make_judge(expected);
    run_float();
}

void BlockBalance::make_judge(at::Tensor& expected) {
    context_.walk->teacher(block_);  // now the number of images is known
    const std::vector<std::int64_t> held_back = split_images(context_.walk->images()).judge;
    judge_ = std::make_unique<LogitsJudge>(context_, block_, thinned(held_back, options_.judges),
                                           expected);
}

void BlockBalance::apply(Json& report) {
    for (const BalanceSite& site : sites_) {
        context_.may_stop();
        const std::optional<Snapshot> before = snapshot(site);
        Json* entry = site.kind == BalanceKind::scores ? balance_scores(site, report)
                                                       : balance_layer(site, report);
        if (entry && (*entry)["accepted"] == true) settle(before, site, *entry);
        if (entry && (*entry)["accepted"] == true) note_outputs(site);
    }
    refit_weights();
    refit_outputs(context_, model_, block_, moved_);
}

// A scale moved between queries and keys, or from the values on, changes what their layer leaves;
// a shift of the keys also the scores.
void BlockBalance::note_outputs(const BalanceSite& site) {
    if (site.kind != BalanceKind::scores && site.kind != BalanceKind::value) return;
    moved_.insert(site.producer);
    if (site.kind != BalanceKind::scores) return;
    const nn::Block& range = context_.graph.blocks()[block_];
    for (std::size_t i = site.consumers.front(); i < range.last; ++i) {
        const nn::Node& node = context_.graph.nodes()[i];
        if (node.role == nn::Role::attention_scores ||
            std::holds_alternative<nn::RelativePositionBias>(node.op)) {
            moved_.insert(i);
        }
    }
}

std::optional<BlockBalance::Snapshot> BlockBalance::snapshot(const BalanceSite& site) const {
    if (!judge_) return std::nullopt;
    return Snapshot{model_.quantization, model_.edits, model_.balanced,
                    judge_->divergence(model_, touched_by(site))};
}

// The prediction has the last word.
void BlockBalance::settle(const std::optional<Snapshot>& before, const BalanceSite& site,
                          Json& entry) {
    if (!before) return;
    refit_weights();
    const double found = judge_->divergence(model_, touched_by(site));
    entry["divergence_before"] = before->divergence;
    entry["divergence_after"] = found;
    if (found < before->divergence) return;
    model_.quantization = before->quantization;
    model_.edits = before->edits;
    model_.balanced = before->balanced;
    entry["accepted"] = false;
    entry["after"] = entry["before"];
}

// The quantizers whose values a fold changes.
std::vector<std::string> BlockBalance::touched_by(const BalanceSite& site) const {
    std::vector<std::string> names;
    const auto add = [&](std::size_t node, nn::Operand operand) {
        names.push_back(find_site(context_, node, operand).name);
    };
    if (site.kind == BalanceKind::scores) {
        add(site.consumers.front(), nn::Operand::first);
        add(site.consumers.front(), nn::Operand::second);
        add(site.producer, nn::Operand::weight);
        return names;
    }
    for (const std::size_t node : site.consumers) {
        add(node, nn::Operand::first);
        add(node, nn::Operand::weight);
    }
    if (site.kind != BalanceKind::value) return names;
    add(site.producer, nn::Operand::weight);
    if (const auto product = product_of(site)) add(*product, nn::Operand::second);
    return names;
}

void BlockBalance::run_float() {
    const nn::Block& range = context_.graph.blocks()[block_];
    nn::RunOptions options;
    options.first = range.first;
    options.last = range.last;
    for (const BalanceSite& site : sites_) {
        for (const std::size_t node : site.consumers) {
            for (const auto input : context_.graph.nodes()[node].inputs)
                options.taps.push_back(input);
        }
        if (site.window > 0) options.taps.push_back(context_.graph.nodes()[site.producer].output);
    }
    for (std::size_t i = range.first; i < range.last; ++i) {
        if (context_.graph.nodes()[i].role != nn::Role::attention_context) continue;
        options.taps.push_back(input_of(i, 0));
        options.taps.push_back(input_of(i, 1));
    }
    const nn::ValueId leaving = context_.graph.nodes()[range.last - 1].output;
    options.taps.push_back(leaving);
    const at::Tensor entrance = context_.walk->teacher(block_);
    values_ = run_in_batches(context_.graph, context_.parameters,
                             {{context_.walk->entrance(block_), entrance}}, options,
                             entrance.size(0), context_.walk->limit());
    context_.walk->teacher_left(block_, values_.at(leaving));
}

at::Tensor BlockBalance::weights_of(std::size_t node) const {
    return weights_of_tokens(context_, name(node), options_.tokens);
}

at::Tensor BlockBalance::joined_weight(const BalanceSite& site) const {
    std::vector<at::Tensor> parts;
    for (const std::size_t node : site.consumers) {
        const auto& linear = std::get<nn::Linear>(context_.graph.nodes()[node].op);
        parts.push_back(find_parameter(context_, model_, linear.weight));
    }
    return at::cat(parts, 0);
}

LayerTask BlockBalance::task_of(const BalanceSite& site) {
    const std::size_t consumer = site.consumers.front();
    const at::Tensor& x = values_.at(input_of(consumer));
    LayerTask task{x.reshape({context_.walk->images(), -1, x.size(-1)}),
                   weights_of(consumer),
                   joined_weight(site),
                   quantizer(consumer, nn::Operand::first),
                   quantizer(consumer, nn::Operand::weight),
                   companion_of(site)};
    if (site.window > 0) {
        task.may_shift =
            fits_windows(site, values_.at(context_.graph.nodes()[site.producer].output));
    }
    return task;
}

Json* BlockBalance::balance_layer(const BalanceSite& site, Json& report) {
    const std::size_t consumer = site.consumers.front();
    const LayerTask task = task_of(site);
    // Channels with grids of their own are balanced already.
    if (task.input && task.input->scheme.granularity == Granularity::channel) return nullptr;
    if (!task.input && !task.rounded) return nullptr;
    const LayerSearch search(options_, task);
    const auto before = search.identity(), found = search.best(before);
    const auto judged_before = search.judge(before);
    const auto [best, judged] = refined(search, found);
    const bool accepted = judged.error() < judged_before.error() * (1 - options_.margin);
    Json& entry = report[name(consumer) + ":input"];
    entry = {{"kind", balance_kinds.name(site.kind)},
             {"before", judged_before.error()},
             {"after", accepted ? judged.error() : judged_before.error()},
             {"alpha", best.alpha},
             {"shifted", best.shifted},
             {"refined", best.log_factor.defined()},
             {"accepted", accepted}};
    if (task.input && task.input->scheme.mode == Mode::fixed) {
        entry["predicted_ratio"] =
            search.predicted(best) / std::max(search.predicted(before), 1e-300);
        entry["measured_ratio"] = judged.activation / std::max(judged_before.activation, 1e-300);
    }
    if (!accepted) return &entry;
    fold(context_, site, best.balance, model_);
    refit(site, values_.at(input_of(consumer)), best);
    return &entry;
}

// Gradients have to gain on the judging images too.
std::pair<LayerSearch::Candidate, LayerSearch::Judged> BlockBalance::refined(
    const LayerSearch& search, const LayerSearch::Candidate& found) const {
    const auto judged = search.judge(found);
    if (options_.refinements == 0) return {found, judged};
    const auto moved = search.refined(found);
    const auto judged_moved = search.judge(moved);
    if (judged_moved.error() < judged.error()) return {moved, judged_moved};
    return {found, judged};
}

void BlockBalance::refit(const BalanceSite& site, const at::Tensor& x,
                         const LayerSearch::Candidate& best) {
    const Balance& balance = best.balance;
    const at::Tensor balanced = (x - balance.shift) / balance.scale;
    for (const std::size_t node : site.consumers) {
        if (Quantizer* q = quantizer(node, nn::Operand::first))
            set_range(*q, best.range, balanced, find_site(context_, node, nn::Operand::first));
        stale_.insert(node);
    }
    if (site.kind != BalanceKind::value) return;
    stale_.insert(site.producer);
    const auto product = product_of(site);
    if (!product) return;
    if (Quantizer* q = quantizer(*product, nn::Operand::second)) {
        const at::Tensor& v = values_.at(input_of(*product, 1));
        set_range(*q, best.companion,
                  (v - along_heads(balance.shift, v)) / along_heads(balance.scale, v),
                  find_site(context_, *product, nn::Operand::second));
    }
}

// The attention product that takes its values from the site's projection.
std::optional<std::size_t> BlockBalance::product_of(const BalanceSite& site) const {
    const nn::ValueId projected = context_.graph.nodes()[site.producer].output;
    for (std::size_t i = 0; i < context_.graph.nodes().size(); ++i) {
        const nn::Node& node = context_.graph.nodes()[i];
        if (node.role != nn::Role::attention_context) continue;
        for (const nn::Node& split : context_.graph.nodes()) {
            if (split.output == node.inputs[1] && split.inputs.front() == projected) return i;
        }
    }
    return std::nullopt;
}

// The values, which are scaled with the layer's input; the attention averages their errors.
std::optional<Companion> BlockBalance::companion_of(const BalanceSite& site) {
    const auto product =
        site.kind == BalanceKind::value ? product_of(site) : std::optional<std::size_t>();
    if (!product) return std::nullopt;
    const Quantizer* q = quantizer(*product, nn::Operand::second);
    if (!q) return std::nullopt;
    const at::Tensor& v = values_.at(input_of(*product, 1));  // [B, H, N, D]
    const at::Tensor rows =
        v.transpose(1, 2).reshape({context_.walk->images(), -1, v.size(1) * v.size(3)});
    // Independent errors of the values add up with the squares of the probabilities.
    const at::Tensor& p = values_.at(input_of(*product, 0));
    const double share = p.square().sum(-1).mean().item<double>();
    return Companion{rows, q, share};
}

void BlockBalance::refit_weights() {
    for (const std::size_t node : stale_) {
        Quantizer* q = quantizer(node, nn::Operand::weight);
        if (!q) continue;
        const Site& site = find_site(context_, node, nn::Operand::weight);
        fit_weight_quantizer(find_parameter(context_, model_, site.parameter), site, *q);
    }
    stale_.clear();
}

Json* BlockBalance::balance_scores(const BalanceSite& site, Json& report) {
    const std::size_t product = site.consumers.front();
    Quantizer* query = quantizer(product, nn::Operand::first);
    Quantizer* key = quantizer(product, nn::Operand::second);
    if (!query || !key) return nullptr;
    const at::Tensor &q = values_.at(input_of(product, 0)), &k = values_.at(input_of(product, 1));
    const auto& matmul = std::get<nn::Matmul>(context_.graph.nodes()[product].op);
    const ScoresSearch search(options_,
                              {q, k, weights_of(site.producer), matmul.factor, query, key});
    const auto before = search.identity(), best = search.best();
    const double judged_before = search.judge(before), judged = search.judge(best);
    const bool accepted = judged < judged_before * (1 - options_.margin);
    Json& entry = report[name(product)];
    entry = {{"kind", balance_kinds.name(site.kind)},
             {"before", judged_before},
             {"after", accepted ? judged : judged_before},
             {"query_power", best.query_power},
             {"key_power", best.key_power},
             {"accepted", accepted}};
    if (!accepted) return &entry;
    fold_scores(context_, site, best.balance, model_);
    const Balance& balance = best.balance;
    fit_quantizer((q / along_heads(balance.scale, q)).contiguous(),
                  find_site(context_, product, nn::Operand::first), *query);
    fit_quantizer(
        ((k - along_heads(balance.shift, k)) * along_heads(balance.scale, k)).contiguous(),
        find_site(context_, product, nn::Operand::second), *key);
    stale_.insert(site.producer);
    return &entry;
}

}  // namespace aocq::quant
