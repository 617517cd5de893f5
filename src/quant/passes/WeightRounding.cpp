// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/WeightRounding.hpp"

#include "quant/passes/BlockRounding.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
namespace {

class WeightRounding : public Pass {
  public:
    WeightRounding(RoundingOptions options, Form form) : options_(options), form_(form) {
        if (form == Form::neutral) {
            options_.cross = false;
            options_.teacher = 0;
            options_.tokens = {.power = 0};
            options_.output = OutputForm::identity;
        }
    }

    Json parameters() const override {
        Json all = {{"solver", solvers.name(options_.solver)},
                    {"rounds", options_.rounds},
                    {"refinement", refinements.name(options_.refinement)},
                    {"output", output_forms.name(options_.output)},
                    {"shrink", options_.shrink},
                    {"cross", options_.cross},
                    {"teacher", options_.teacher},
                    {"ridge", options_.ridge},
                    {"damping", options_.damping},
                    {"bias", options_.bias},
                    {"schedule", schedules.name(options_.schedule)},
                    {"form", form_ == Form::neutral ? "neutral" : "active"}};
        note_token_weights(options_.tokens, all);
        return all;
    }

    Needs needs() const override {
        return {!does_nothing(), options_.tokens.source == TokenSource::class_token ||
                                     options_.tokens.power > 0 ||
                                     options_.output != OutputForm::identity};
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
    options.teacher = fields.number("teacher", 0.0, 1.0, options.teacher);
    options.ridge = fields.number("ridge", 0.0, 1e6, options.ridge);
    options.damping = fields.number("damping", 0.0, 1e6, options.damping);
    options.bias = fields.flag("bias", options.bias);
    options.schedule = fields.choice<Schedule>("schedule", schedules, options.schedule);
    options.tokens = read_token_weights(fields);
    fields.finish();
    return std::make_unique<WeightRounding>(options, form);
}

}  // namespace aocq::quant
