// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/WeightRounding.hpp"

#include <ATen/ATen.h>

#include "quant/Simulate.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/LayerMoments.hpp"
#include "quant/passes/LayerRounding.hpp"
#include "quant/passes/MissingBias.hpp"

namespace aocq::quant {
namespace {

double ridge_for(const RoundingOptions& options, const Quantizer* input) {
    if (options.ridge > 0) return options.ridge;
    const int bits = input ? input->scheme.bits : 32;
    return bits <= 4 ? 0.1 : bits <= 6 ? 0.03 : 0.01;
}

class BlockRounding {
  public:
    BlockRounding(const RoundingOptions& options, const PassContext& context, QuantizedModel& model,
                  std::size_t block)
        : options_(options), context_(context), model_(model), block_(block) {
        const nn::Block& range = context.graph.blocks()[block];
        if (options.bias) add_missing_biases(context.graph, range.first, range.last, model);
    }

    void apply(Json& report) {
        BlockRun run(context_, model_, block_);
        const nn::Block& range = context_.graph.blocks()[block_];
        for (std::size_t node = range.first; node < range.last; ++node) {
            if (context_.graph.nodes()[node].role != nn::Role::linear) continue;
            context_.may_stop();
            run.advance(node);
            layer(run, node, report);
        }
        run.leave();
    }

  private:
    at::Tensor weights_of(std::size_t node, std::int64_t rows) const {
        if (options_.tokens.power == 0) return at::ones({rows, 1});
        const auto& found =
            context_.sensitivity->nodes.at(context_.graph.nodes()[node].name).token_norm;
        return token_weights(found, options_.tokens).reshape({-1, 1});
    }

    at::Tensor output_of(std::size_t node, std::int64_t outputs) const {
        if (options_.output == OutputForm::identity) return at::eye(outputs, at::kDouble);
        return output_factor(options_.output,
                             context_.sensitivity->nodes.at(context_.graph.nodes()[node].name),
                             options_.shrink);
    }

    void layer(BlockRun& run, std::size_t node, Json& report) {
        const Site& site = find_site(context_, node, nn::Operand::weight);
        Quantizer* quantizer = model_.quantization.find(site.name);
        if (!quantizer) return;
        if (quantizer->scheme.granularity == Granularity::part) {
            throw Error::config("weight_rounding does not know parts of a weight")
                .advise("give this site granularity \"channel\", \"group\" or \"tensor\"")
                .at("site", site.name);
        }
        const Site& input_site = find_site(context_, node, nn::Operand::first);
        const Quantizer* input = model_.quantization.find(input_site.name);
        const auto& linear = std::get<nn::Linear>(run.graph().nodes()[node].op);
        const nn::ValueId value = run.graph().nodes()[node].inputs.front();
        const at::Tensor u = run.value(value);
        const at::Tensor rows = u.reshape({-1, u.size(-1)});
        const bool moves = options_.cross && input;
        const LayerMoments moments = layer_moments(
            rows,
            [&](const at::Tensor& x) { return input ? fake_quantize(x, input_site, *input) : x; },
            weights_of(node, rows.size(0)), moves ? CrossTerm::wanted : CrossTerm::left_out);

        const at::Tensor weight = find_parameter(context_, model_, linear.weight).to(at::kDouble);
        const at::Tensor target =
            moves ? compensated(weight, moments, ridge_for(options_, input)) : weight;
        LayerRounding rounding(options_, moments, output_of(node, weight.size(0)), *quantizer,
                               ridge_for(options_, input));
        const at::Tensor rounded = rounding.round(target);
        model_.changed[linear.weight] = rounded;
        report[site.name] = {{"before", rounding.nearest_error()}, {"after", rounding.error()}};
        if (!options_.bias) return;
        const at::Tensor bias = find_parameter(context_, model_, linear.bias).to(at::kDouble);
        model_.changed[linear.bias] = (bias + at::mv(weight, moments.raw_mean) -
                                       at::mv(rounded.to(at::kDouble), moments.mean))
                                          .to(at::kFloat);
    }

    const RoundingOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t block_;
};

class WeightRounding : public Pass {
  public:
    WeightRounding(RoundingOptions options, Form form) : options_(options), form_(form) {
        if (form == Form::neutral) {
            options_.cross = false;
            options_.tokens.power = 0;
            options_.output = OutputForm::identity;
        }
    }

    Json parameters() const override {
        return {{"solver", solvers.name(options_.solver)},
                {"rounds", options_.rounds},
                {"refinement", refinements.name(options_.refinement)},
                {"output", output_forms.name(options_.output)},
                {"shrink", options_.shrink},
                {"cross", options_.cross},
                {"ridge", options_.ridge},
                {"damping", options_.damping},
                {"bias", options_.bias},
                {"schedule", schedules.name(options_.schedule)},
                {"token_power", options_.tokens.power},
                {"form", form_ == Form::neutral ? "neutral" : "active"}};
    }

    Needs needs() const override {
        return {!does_nothing(),
                options_.tokens.power > 0 || options_.output != OutputForm::identity};
    }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (does_nothing()) return report;
        for (const std::size_t block : blocks_in_scope(context))
            BlockRounding(options_, context, model, block).apply(report);
        return report;
    }

  private:
    // Nearest codes on the fitted grids are what the simulation does anyway.
    bool does_nothing() const {
        return form_ == Form::neutral && options_.solver == Solver::nearest;
    }

    RoundingOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_weight_rounding(Fields fields, Form form) {
    RoundingOptions options;
    options.solver = fields.choice<Solver>("solver", solvers, options.solver);
    options.rounds = static_cast<int>(fields.integer("rounds", 0, 100, options.rounds));
    options.refinement = fields.choice<Refinement>("refinement", refinements, options.refinement);
    options.output = fields.choice<OutputForm>("output", output_forms, options.output);
    options.shrink = fields.number("shrink", 0.01, 1.0, options.shrink);
    const bool descends = options.solver == Solver::descent || options.solver == Solver::learned;
    if (options.output == OutputForm::full && !descends) {
        fields.fail("output", Error::config("this solver rounds every row on its own")
                                  .advise("use solver = \"descent\" or \"learned\"")
                                  .found("full"));
    }
    if (options.refinement != Refinement::none && !descends) {
        fields.fail("refinement", Error::config("this solver has nothing to refine")
                                      .advise("use solver = \"descent\"")
                                      .found("learned"));
    }
    options.cross = fields.flag("cross", options.cross);
    options.ridge = fields.number("ridge", 0.0, 1e6, options.ridge);
    options.damping = fields.number("damping", 0.0, 1e6, options.damping);
    options.bias = fields.flag("bias", options.bias);
    options.schedule = fields.choice<Schedule>("schedule", schedules, options.schedule);
    options.tokens.power = fields.number("token_power", 0.0, 4.0, options.tokens.power);
    fields.finish();
    return std::make_unique<WeightRounding>(options, form);
}

}  // namespace aocq::quant
