// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ChannelBalance.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "quant/passes/LayerBalance.hpp"
#include "quant/passes/LogitsJudge.hpp"
#include "quant/passes/ScoresBalance.hpp"

namespace aocq::quant {
namespace {

// The pass on one block.
class BlockBalance {
  public:
    // `expected`: the judging images' logits, made by the first block's judge.
    BlockBalance(const BalanceOptions& options, const PassContext& context, QuantizedModel& model,
                 std::size_t block, at::Tensor& expected)
        : options_(options), context_(context), model_(model) {
        sites_ = find_balance_sites(context, block);
        run_float(block);
        if (options.judges == 0) return;
        const std::vector<std::int64_t> held_back = split_images(context.walk->images()).judge;
        std::vector<std::int64_t> chosen;
        const auto count = std::min(held_back.size(), static_cast<std::size_t>(options.judges));
        for (std::size_t i = 0; i < count; ++i)
            chosen.push_back(held_back[i * held_back.size() / count]);
        judge_ = std::make_unique<LogitsJudge>(context, block, chosen, expected);
    }

    void apply(Json& report) {
        for (const BalanceSite& site : sites_) {
            const auto& wanted = options_.sites;
            if (std::find(wanted.begin(), wanted.end(), site.kind) == wanted.end()) continue;
            context_.may_stop();
            const QuantizedModel before = model_;
            Json* entry =
                site.kind == BalanceKind::scores ? scores(site, report) : layer(site, report);
            if (entry && (*entry)["accepted"] == true) settle(before, site, *entry);
        }
    }

  private:
    // The prediction has the last word.
    void settle(const QuantizedModel& before, const BalanceSite& site, Json& entry) {
        if (!judge_) return;
        const std::vector<std::string> touched = touched_by(site);
        const double was = judge_->divergence(before, touched);
        const double found = judge_->divergence(model_, touched);
        entry["divergence_before"] = was;
        entry["divergence_after"] = found;
        if (found < was) return;
        model_ = before;
        entry["accepted"] = false;
        entry["after"] = entry["before"];
    }

    // The quantizers whose values a fold changes.
    std::vector<std::string> touched_by(const BalanceSite& site) const {
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

    const std::string& name(std::size_t node) const { return context_.graph.nodes()[node].name; }
    nn::ValueId input_of(std::size_t node, std::size_t i = 0) const {
        return context_.graph.nodes()[node].inputs[i];
    }
    Quantizer* quantizer(std::size_t node, nn::Operand operand) {
        return model_.quantization.find(find_site(context_, node, operand).name);
    }

    void run_float(std::size_t block) {
        const nn::Block& range = context_.graph.blocks()[block];
        nn::RunOptions options;
        options.first = range.first;
        options.last = range.last;
        for (const BalanceSite& site : sites_) {
            for (const std::size_t node : site.consumers) {
                for (const auto input : context_.graph.nodes()[node].inputs)
                    options.taps.push_back(input);
            }
        }
        for (std::size_t i = range.first; i < range.last; ++i) {
            if (context_.graph.nodes()[i].role != nn::Role::attention_context) continue;
            options.taps.push_back(input_of(i, 0));
            options.taps.push_back(input_of(i, 1));
        }
        values_ =
            nn::run(context_.graph, context_.parameters,
                    {{context_.walk->entrance(block), context_.walk->teacher(block)}}, options);
    }

    // [images, rows of an image]
    at::Tensor weights_of(std::size_t node) const {
        return token_weights(context_.sensitivity->nodes.at(name(node)).token_norm,
                             options_.tokens);
    }

    at::Tensor joined_weight(const BalanceSite& site) const {
        std::vector<at::Tensor> parts;
        for (const std::size_t node : site.consumers) {
            const auto& linear = std::get<nn::Linear>(context_.graph.nodes()[node].op);
            parts.push_back(find_parameter(context_, model_, linear.weight));
        }
        return at::cat(parts, 0);
    }

    // The report's entry; null where there is nothing to balance.
    Json* layer(const BalanceSite& site, Json& report) {
        const std::size_t consumer = site.consumers.front();
        const Quantizer* input = quantizer(consumer, nn::Operand::first);
        const Quantizer* weight = quantizer(consumer, nn::Operand::weight);
        // Channels with grids of their own are balanced already.
        if (input && input->scheme.granularity == Granularity::channel) return nullptr;
        if (!input && !weight) return nullptr;
        const at::Tensor& x = values_.at(input_of(consumer));
        const at::Tensor images = x.reshape({context_.walk->images(), -1, x.size(-1)});
        const LayerSearch search(options_, images, weights_of(consumer), joined_weight(site), input,
                                 weight, companion_of(site));
        const auto before = search.identity(), best = search.best();
        const double judged_before = search.judge(before), judged = search.judge(best);
        const bool accepted = judged < judged_before * (1 - options_.margin);
        Json& entry = report[name(consumer) + ":input"];
        entry = {{"before", judged_before},
                 {"after", accepted ? judged : judged_before},
                 {"alpha", best.alpha},
                 {"shifted", best.shifted},
                 {"accepted", accepted}};
        if (input && input->scheme.mode == Mode::fixed) {
            entry["predicted_ratio"] = search.predicted(best) / search.predicted(before);
            entry["measured_ratio"] = best.activation / std::max(before.activation, 1e-300);
        }
        if (!accepted) return &entry;
        fold(context_, site, best.balance, model_);
        refit(site, x, best);
        return &entry;
    }

    // One grid gets the range that the search found; several are fitted to their values.
    static void set_range(Quantizer& q, Range range, const at::Tensor& values, const Site& site) {
        const SiteScheme& scheme = q.scheme;
        if (scheme.mode == Mode::dynamic || scheme.granularity != Granularity::tensor) {
            fit_quantizer(values, site, q);
            return;
        }
        q.grids = {grid_from_range(range.low, range.high, scheme.bits, scheme.symmetry)};
        q.fitted = true;
    }

    void refit(const BalanceSite& site, const at::Tensor& x, const LayerSearch::Candidate& best) {
        const Balance& balance = best.balance;
        const at::Tensor balanced = (x - balance.shift) / balance.scale;
        for (const std::size_t node : site.consumers) {
            if (Quantizer* q = quantizer(node, nn::Operand::first))
                set_range(*q, best.range, balanced, find_site(context_, node, nn::Operand::first));
            refit_weight(node);
        }
        if (site.kind != BalanceKind::value) return;
        refit_weight(site.producer);
        const auto product = product_of(site);
        if (!product) return;
        if (Quantizer* q = quantizer(*product, nn::Operand::second)) {
            const at::Tensor& v = values_.at(input_of(*product, 1));  // [B, H, N, D]
            const auto shape = [&](const at::Tensor& c) {
                return c.view({1, v.size(1), 1, v.size(3)});
            };
            set_range(*q, best.companion,
                      ((v - shape(balance.shift)) / shape(balance.scale)).contiguous(),
                      find_site(context_, *product, nn::Operand::second));
        }
    }

    // The attention product that takes its values from the site's projection.
    std::optional<std::size_t> product_of(const BalanceSite& site) const {
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
    std::optional<Companion> companion_of(const BalanceSite& site) {
        const auto product =
            site.kind == BalanceKind::value ? product_of(site) : std::optional<std::size_t>();
        if (!product) return std::nullopt;
        const Quantizer* q = quantizer(*product, nn::Operand::second);
        if (!q) return std::nullopt;
        const at::Tensor& v = values_.at(input_of(*product, 1));
        const at::Tensor rows =
            v.transpose(1, 2).reshape({context_.walk->images(), -1, v.size(1) * v.size(3)});
        // Independent errors of the values add up with the squares of the probabilities.
        const at::Tensor& p = values_.at(input_of(*product, 0));
        const double share = p.square().sum(-1).mean().item<double>();
        return Companion{rows, q, share};
    }

    void refit_weight(std::size_t node) {
        Quantizer* q = quantizer(node, nn::Operand::weight);
        if (!q) return;
        const Site& site = find_site(context_, node, nn::Operand::weight);
        fit_weight_quantizer(find_parameter(context_, model_, site.parameter), site, *q);
    }

    Json* scores(const BalanceSite& site, Json& report) {
        const std::size_t product = site.consumers.front();
        Quantizer* query = quantizer(product, nn::Operand::first);
        Quantizer* key = quantizer(product, nn::Operand::second);
        if (!query || !key) return nullptr;
        const at::Tensor &q = values_.at(input_of(product, 0)),
                         &k = values_.at(input_of(product, 1));
        // Windows of an image lie one after another, and its tokens' weights like them.
        const at::Tensor weights = weights_of(site.producer).reshape({q.size(0), -1});
        const auto& matmul = std::get<nn::Matmul>(context_.graph.nodes()[product].op);
        const ScoresSearch search(options_, q, k, weights, matmul.factor, *query, *key);
        const auto before = search.identity(), best = search.best();
        const double judged_before = search.judge(before), judged = search.judge(best);
        const bool accepted = judged < judged_before * (1 - options_.margin);
        Json& entry = report[name(product)];
        entry = {{"before", judged_before},
                 {"after", accepted ? judged : judged_before},
                 {"query_power", best.query_power},
                 {"key_power", best.key_power},
                 {"accepted", accepted}};
        if (!accepted) return &entry;
        fold_scores(context_, site, best.balance, model_);
        const auto shape = [&](const at::Tensor& c) {
            return c.view({1, q.size(1), 1, q.size(3)});
        };
        fit_quantizer((q / shape(best.balance.scale)).contiguous(),
                      find_site(context_, product, nn::Operand::first), *query);
        fit_quantizer(((k - shape(best.balance.shift)) * shape(best.balance.scale)).contiguous(),
                      find_site(context_, product, nn::Operand::second), *key);
        refit_weight(site.producer);
        return &entry;
    }

    const BalanceOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::vector<BalanceSite> sites_;
    nn::Values values_;
    std::unique_ptr<LogitsJudge> judge_;
};

class ChannelBalance : public Pass {
  public:
    ChannelBalance(BalanceOptions options, Form form) : options_(std::move(options)), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        Json sites = Json::array();
        for (const BalanceKind kind : options_.sites) sites.push_back(balance_kinds.name(kind));
        return {{"sites", sites},
                {"alpha", options_.alphas},
                {"shift", options_.shift},
                {"power_of_two", options_.power_of_two},
                {"margin", options_.margin},
                {"rows", options_.rows},
                {"judges", options_.judges},
                {"token_power", options_.tokens.power}};
    }

    Needs needs() const override { return {form_ == Form::active, form_ == Form::active}; }

    // Neutral: scale one and no shift, which is to change nothing.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (form_ == Form::neutral) return report;
        at::Tensor expected;
        for (const std::size_t block : blocks_in_scope(context)) {
            require_untouched(context.graph.blocks()[block].name, model);
            BlockBalance(options_, context, model, block, expected).apply(report);
        }
        return report;
    }

  private:
    // The search sees the float model's own values, so a block is balanced once.
    static void require_untouched(const std::string& block, const QuantizedModel& model) {
        const auto next = model.balanced.lower_bound(block + ".");
        if (next == model.balanced.end() || !next->first.starts_with(block + ".")) return;
        throw Error::config("a block is to be balanced twice")
            .advise("name channel_balance once in the method")
            .at("block", block);
    }

    BalanceOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_channel_balance(Fields fields, Form form) {
    BalanceOptions options;
    for (const auto& word : fields.texts("sites")) {
        const auto kind = balance_kinds.find(word);
        if (!kind) {
            fields.fail("sites", Error::config("unknown kind of site")
                                     .found(word)
                                     .wanted("norm, value, activation, scores"));
        }
        options.sites.push_back(*kind);
    }
    if (!fields.has("sites")) {
        options.sites = {BalanceKind::norm, BalanceKind::value, BalanceKind::activation,
                         BalanceKind::scores};
    }
    options.alphas = fields.numbers("alpha");
    if (options.alphas.empty()) options.alphas = {0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
    for (const double alpha : options.alphas) {
        if (alpha < 0 || alpha > 1)
            fields.fail("alpha", Error::config("an exponent is out of range")
                                     .found(std::to_string(alpha))
                                     .wanted("0..1"));
    }
    options.shift = fields.flag("shift", options.shift);
    options.power_of_two = fields.flag("power_of_two", options.power_of_two);
    options.margin = fields.number("margin", 0.0, 1.0, options.margin);
    options.rows = fields.integer("rows", 16, 1 << 24, options.rows);
    options.judges = fields.integer("judges", 0, 1 << 16, options.judges);
    options.tokens.power = fields.number("token_power", 0.0, 4.0, options.tokens.power);
    fields.finish();
    return std::make_unique<ChannelBalance>(options, form);
}

}  // namespace aocq::quant
