// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ChannelBalance.hpp"

#include <ATen/ATen.h>

#include "quant/passes/BlockBalance.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
namespace {

class ChannelBalance : public Pass {
  public:
    ChannelBalance(BalanceOptions options, Form form) : options_(std::move(options)), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        Json sites = Json::array();
        for (const BalanceKind kind : options_.sites) sites.push_back(balance_kinds.name(kind));
        Json all = {{"sites", sites},
                    {"alpha", options_.alphas},
                    {"shift", options_.shift},
                    {"power_of_two", options_.power_of_two},
                    {"margin", options_.margin},
                    {"rows", options_.rows},
                    {"refinements", options_.refinements},
                    {"refinement_rate", options_.refinement_rate},
                    {"judges", options_.judges}};
        note_token_weights(options_.tokens, all);
        return all;
    }

    Needs needs() const override { return {form_ == Form::active, form_ == Form::active}; }
    // It sees the float model's values and the fitted ranges, which it changes in its block only.
    bool has_independent_blocks() const override { return form_ == Form::active; }

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
    options.refinements =
        static_cast<int>(fields.integer("refinements", 0, 100'000, options.refinements));
    options.refinement_rate = fields.number("refinement_rate", 0.0, 10.0, options.refinement_rate);
    options.judges = fields.integer("judges", 0, 1 << 16, options.judges);
    options.tokens = read_token_weights(fields);
    fields.finish();
    return std::make_unique<ChannelBalance>(options, form);
}

}  // namespace aocq::quant
