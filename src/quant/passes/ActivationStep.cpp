// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ActivationStep.hpp"

#include "quant/passes/BlockSteps.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
namespace {

class ActivationStep : public Pass {
  public:
    ActivationStep(StepOptions options, Form form) : options_(options), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        Json all = {{"form", step_forms.name(options_.form)},
                    {"rounds", options_.rounds},
                    {"rows", options_.rows},
                    {"images", options_.images},
                    {"margin", options_.margin},
                    {"mean", options_.mean == LayerError::Mean::removed ? "removed" : "kept"}};
        note_token_weights(options_.tokens, all);
        if (options_.form == StepForm::search) return all;
        all["objective"] = step_scopes.name(options_.objective);
        all["target"] = step_targets.name(options_.target);
        all["iterations"] = options_.iterations;
        all["batch"] = options_.batch;
        all["rate"] = options_.rate;
        all["decay"] = options_.decay;
        return all;
    }

    Needs needs() const override { return {form_ == Form::active, form_ == Form::active}; }

    // Neutral: the fitted steps stay.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (form_ == Form::neutral) return report;
        for (const std::size_t block : blocks_in_scope(context))
            BlockSteps(options_, context, model, block).apply(report);
        return report;
    }

  private:
    StepOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_activation_step(Fields fields, Form form) {
    constexpr EnumTable<LayerError::Mean, 2> means{
        {{{LayerError::Mean::kept, "kept"}, {LayerError::Mean::removed, "removed"}}}};
    StepOptions options;
    options.form = fields.choice<StepForm>("form", step_forms, options.form);
    options.objective = fields.choice<StepScope>("objective", step_scopes, options.objective);
    options.target = fields.choice<StepTarget>("target", step_targets, options.target);
    options.iterations =
        static_cast<int>(fields.integer("iterations", 1, 1'000'000, options.iterations));
    options.batch = fields.integer("batch", 1, 1 << 16, options.batch);
    options.rate = fields.number("rate", 0.0, 10.0, options.rate);
    options.decay = fields.number("decay", 0.0, 1e6, options.decay);
    options.rounds = static_cast<int>(fields.integer("rounds", 1, 10, options.rounds));
    options.rows = fields.integer("rows", 0, 1 << 24, options.rows);
    options.images = fields.integer("images", 1, 1 << 16, options.images);
    options.margin = fields.number("margin", 0.0, 1.0, options.margin);
    options.mean = fields.choice<LayerError::Mean>("mean", means, options.mean);
    options.tokens = read_token_weights(fields);
    fields.finish();
    return std::make_unique<ActivationStep>(options, form);
}

}  // namespace aocq::quant
