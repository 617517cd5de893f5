// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockReconstruction.hpp"

#include "quant/BatchedRun.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/Reconstruction.hpp"

namespace aocq::quant {
namespace {

// The units of one block, one after the other.
class BlockUnits {
  public:
    BlockUnits(const ReconstructionOptions& options, const PassContext& context,
               QuantizedModel& model, std::size_t block)
        : options_(options),
          context_(context),
          model_(model),
          index_(block),
          block_(context.graph.blocks()[block]),
          graph_(nn::edited(context.graph, model.edits)) {}

    void apply(Json& report) {
        if (options_.unit == UnitForm::block) {
            const nn::ValueId entrance = context_.walk->entrance(index_);
            reconstruct({block_.name, block_.first, block_.last, entrance},
                        {wants_student() ? context_.walk->student(index_, model_) : at::Tensor(),
                         wants_teacher() ? context_.walk->teacher(index_) : at::Tensor(),
                         {}},
                        report);
            return;
        }
        layers(report);
    }

  private:
    bool wants_student() const {
        return options_.input != UnitInput::as_float || options_.target == StepTarget::prefix;
    }
    bool wants_teacher() const {
        return options_.input != UnitInput::quantized || options_.target == StepTarget::teacher;
    }

    void layers(Json& report) {
        std::unique_ptr<BlockRun> student;
        std::unique_ptr<PiecewiseRun> teacher;
        if (wants_student()) student = std::make_unique<BlockRun>(context_, model_, index_);
        if (wants_teacher()) {
            const at::Tensor& value = context_.walk->teacher(index_);
            teacher =
                std::make_unique<PiecewiseRun>(graph_, block_.first, block_.last,
                                               nn::Values{{context_.walk->entrance(index_), value}},
                                               context_.walk->images(), context_.walk->limit());
        }
        const nn::Parameters parameters = teacher_parameters(context_.parameters, model_);
        for (std::size_t node = block_.first; node < block_.last; ++node) {
            if (graph_.nodes()[node].role != nn::Role::linear) continue;
            const nn::ValueId entrance = graph_.nodes()[node].inputs.front();
            UnitValues values;
            if (student) {
                student->advance(node);
                values.student = student->value(entrance);
            }
            if (teacher) {
                teacher->advance(node, parameters, nullptr);
                values.teacher = teacher->value(entrance);
            }
            reconstruct({graph_.nodes()[node].name, node, node + 1, entrance}, std::move(values),
                        report);
        }
    }

    void reconstruct(UnitRange range, UnitValues values, Json& report) {
        context_.may_stop();
        nn::RunOptions run;
        run.first = range.first;
        run.last = range.last;
        run.taps = {graph_.nodes()[range.last - 1].output};
        const at::Tensor& source =
            options_.target == StepTarget::teacher ? values.teacher : values.student;
        values.target = run_in_batches(graph_, teacher_parameters(context_.parameters, model_),
                                       {{range.entrance, source}}, run, context_.walk->images(),
                                       context_.walk->limit())
                            .at(run.taps.front());
        // What only the target was made of need not be kept.
        if (options_.input == UnitInput::as_float) values.student.reset();
        if (options_.input == UnitInput::quantized) values.teacher.reset();
        UnitImportance importance;
        if (options_.objective == UnitObjective::fisher)
            importance = fisher_importance(context_.sensitivity->nodes.at(range.name));
        const std::string name = range.name;
        const ReconstructionUnit unit(context_, model_, std::move(range), std::move(values),
                                      std::move(importance));
        report[name] = Reconstruction(options_, context_, model_, unit).run();
    }

    const ReconstructionOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t index_;
    nn::Block block_;
    nn::Graph graph_;
};

class BlockReconstruction : public Pass {
  public:
    BlockReconstruction(const ReconstructionOptions& options, Form form)
        : options_(options), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        const ReconstructionOptions& o = options_;
        return {{"unit", unit_forms.name(o.unit)},
                {"weights", weight_forms.name(o.weights)},
                {"steps", step_choices.name(o.steps)},
                {"order", step_orders.name(o.order)},
                {"input", unit_inputs.name(o.input)},
                {"mix", o.mix},
                {"drop", o.drop},
                {"target", step_targets.name(o.target)},
                {"objective", unit_objectives.name(o.objective)},
                {"power", o.power},
                {"step_power", o.step_power},
                {"schedule", schedules.name(o.schedule)},
                {"batch", o.batch},
                {"iterations", o.rounding.iterations},
                {"rate", o.rounding.rate},
                {"step_iterations", o.step_iterations},
                {"step_rate", o.step_rate},
                {"regularizer", o.rounding.regularizer},
                {"warmup", o.rounding.warmup},
                {"decay", o.decay}};
    }

    Needs needs() const override {
        const bool active = form_ == Form::active;
        return {active, active && options_.objective == UnitObjective::fisher};
    }

    bool has_independent_blocks() const override {
        return form_ == Form::active && options_.input == UnitInput::as_float &&
               options_.target == StepTarget::teacher;
    }

    // Neutral: nearest codes and the fitted steps.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (form_ == Form::neutral) return report;
        for (const std::size_t block : blocks_in_scope(context))
            BlockUnits(options_, context, model, block).apply(report);
        return report;
    }

  private:
    ReconstructionOptions options_;
    Form form_;
};

void read_choices(Fields& fields, ReconstructionOptions& o) {
    o.unit = fields.choice<UnitForm>("unit", unit_forms, o.unit);
    o.weights = fields.choice<WeightForm>("weights", weight_forms, o.weights);
    o.steps = fields.choice<StepChoice>("steps", step_choices, o.steps);
    o.order = fields.choice<StepOrder>("order", step_orders, o.order);
    o.input = fields.choice<UnitInput>("input", unit_inputs, o.input);
    o.target = fields.choice<StepTarget>("target", step_targets, o.target);
    o.objective = fields.choice<UnitObjective>("objective", unit_objectives, o.objective);
    o.mix = fields.number("mix", 0.0, 1.0, o.mix);
    o.drop = fields.number("drop", 0.0, 1.0, o.drop);
    o.power = fields.number("power", 1.0, 8.0, o.power);
    o.step_power = fields.number("step_power", 1.0, 8.0, o.step_power);
    if (o.weights == WeightForm::kept && o.steps == StepChoice::kept) {
        fields.fail("steps", Error::config("nothing is learned")
                                 .advise("learn the weights, the steps or both")
                                 .found("kept"));
    }
    const bool together = o.steps != StepChoice::kept && o.order == StepOrder::together;
    if (together && o.drop >= 1) {
        fields.fail("drop", Error::config("steps cannot be learned where no activation is rounded")
                                .advise("use order = \"after\", or a smaller drop")
                                .found("1"));
    }
}

void read_schedule(Fields& fields, ReconstructionOptions& o) {
    o.schedule = fields.choice<Schedule>("schedule", schedules, o.schedule);
    const bool full = o.schedule == Schedule::full;
    const bool together = o.order == StepOrder::together;
    const auto count = [&](const char* key, int of_full, int of_smoke) {
        return static_cast<int>(fields.integer(key, 1, 100'000'000, full ? of_full : of_smoke));
    };
    o.batch = count("batch", 32, 4);
    o.rounding.iterations = count("iterations", 20000, 100);
    o.step_iterations = count("step_iterations", 5000, 50);
    o.rounding.rate = fields.number("rate", 0.0, 10.0, full ? 1e-3 : 0.5);
    const double step_rate = full ? (together ? 4e-5 : 4e-4) : 8e-3;
    o.step_rate = fields.number("step_rate", 0.0, 10.0, step_rate);
    o.rounding.regularizer = fields.number("regularizer", 0.0, 1e9, o.rounding.regularizer);
    o.rounding.warmup = fields.number("warmup", 0.0, 0.99, o.rounding.warmup);
    o.decay = fields.number("decay", 0.0, 1e6, o.decay);
}

}  // namespace

std::unique_ptr<Pass> make_block_reconstruction(Fields fields, Form form) {
    ReconstructionOptions options;
    read_choices(fields, options);
    read_schedule(fields, options);
    fields.finish();
    return std::make_unique<BlockReconstruction>(options, form);
}

}  // namespace aocq::quant
