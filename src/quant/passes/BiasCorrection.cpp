// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BiasCorrection.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>

#include "quant/Simulate.hpp"
#include "quant/passes/MissingBias.hpp"
#include "quant/passes/Segment.hpp"

namespace aocq::quant {
namespace {

enum class CorrectionInputs { prefix, floats };
constexpr EnumTable<CorrectionInputs, 2> correction_inputs{
    {{{CorrectionInputs::prefix, "prefix"}, {CorrectionInputs::floats, "float"}}}};

// Over all rows, a few thousand at a time: [C] f64.
at::Tensor mean_of(const at::Tensor& x,
                   const std::function<at::Tensor(const at::Tensor&)>& change) {
    constexpr std::int64_t rows_at_a_time = 4096;
    const at::Tensor rows = x.reshape({-1, x.size(-1)});
    at::Tensor sum = at::zeros({x.size(-1)}, at::kDouble);
    for (std::int64_t first = 0; first < rows.size(0); first += rows_at_a_time) {
        const std::int64_t last = std::min(first + rows_at_a_time, rows.size(0));
        sum += change(rows.slice(0, first, last)).to(at::kCPU, at::kDouble).sum(0);
    }
    return sum / static_cast<double>(rows.size(0));
}

class SegmentCorrection {
  public:
    SegmentCorrection(CorrectionInputs inputs, const PassContext& context, QuantizedModel& model,
                      std::size_t block)
        : inputs_(inputs),
          context_(context),
          model_(model),
          segment_(segment_of(context.graph, block)) {
        add_missing_biases(context.graph, segment_.first, segment_.last, model);
    }

    void apply(Json& report) {
        TeacherRun teacher(context_, model_, segment_);
        Simulation simulation(context_.graph, context_.parameters, model_,
                              {.first = segment_.first, .last = segment_.last});
        nn::Parameters parameters = simulation.parameters();
        const bool prefix = inputs_ == CorrectionInputs::prefix;
        PiecewiseRun student(simulation.graph(), segment_.first, segment_.last,
                             {{context_.walk->entrance(segment_.block), entrance(prefix)}},
                             context_.walk->images(), context_.walk->limit());
        for (std::size_t node = segment_.first; node < segment_.last; ++node) {
            const auto* linear = std::get_if<nn::Linear>(&teacher.graph().nodes()[node].op);
            if (!linear) continue;
            context_.may_stop();
            teacher.advance(node);
            if (prefix) student.advance(node, parameters, &simulation);
            const nn::ValueId input = teacher.graph().nodes()[node].inputs.front();
            const at::Tensor right =
                mean_of(teacher.value(input), [](const at::Tensor& x) { return x; });
            const at::Tensor found = mean_of(
                (prefix ? student.value(input) : teacher.value(input)), [&](const at::Tensor& x) {
                    return simulation.operand(node, nn::Operand::first, x);
                });
            correct(node, *linear, teacher.parameters(), right, found, parameters, report);
        }
    }

  private:
    at::Tensor entrance(bool prefix) const {
        return prefix ? context_.walk->student(segment_.block, model_)
                      : context_.walk->teacher(segment_.block);
    }

    // right, found: mean inputs [C] f64 of the float layer and of the quantized one.
    void correct(std::size_t node, const nn::Linear& linear, const nn::Parameters& teacher,
                 const at::Tensor& right, const at::Tensor& found, nn::Parameters& student,
                 Json& report) {
        const auto in_double = [](const at::Tensor& x) { return x.to(at::kCPU, at::kDouble); };
        const at::Tensor wanted = at::mv(in_double(teacher.at(linear.weight)), right) +
                                  in_double(teacher.at(linear.bias));
        const at::Tensor product = at::mv(in_double(student.at(linear.weight)), found);
        at::Tensor& bias = student.at(linear.bias);
        const at::Tensor corrected = (wanted - product).to(at::kFloat);
        const auto error = [&](const at::Tensor& b) {
            return (product + in_double(b) - wanted).square().mean().item<double>();
        };
        report[context_.graph.nodes()[node].name] = {{"before", error(bias)},
                                                     {"after", error(corrected)}};
        model_.changed[linear.bias] = corrected;
        bias = corrected.to(bias.device());
    }

    CorrectionInputs inputs_;
    const PassContext& context_;
    QuantizedModel& model_;
    Segment segment_;
};

class BiasCorrection : public Pass {
  public:
    explicit BiasCorrection(CorrectionInputs inputs) : inputs_(inputs) {}

    Json parameters() const override { return {{"inputs", correction_inputs.name(inputs_)}}; }
    Needs needs() const override { return {.images = true}; }
    bool has_independent_blocks() const override { return inputs_ == CorrectionInputs::floats; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        for (const std::size_t block : blocks_in_scope(context))
            SegmentCorrection(inputs_, context, model, block).apply(report);
        return report;
    }

  private:
    CorrectionInputs inputs_;
};

// The neutral form: biases stay as they are.
class NoCorrection : public Pass {
  public:
    Json parameters() const override { return {{"form", "neutral"}}; }
    bool has_independent_blocks() const override { return true; }
    Json apply(const PassContext&, QuantizedModel&) const override { return Json::object(); }
};

}  // namespace

std::unique_ptr<Pass> make_bias_correction(Fields fields, Form form) {
    const auto inputs =
        fields.choice<CorrectionInputs>("inputs", correction_inputs, CorrectionInputs::prefix);
    fields.finish();
    if (form == Form::neutral) return std::make_unique<NoCorrection>();
    return std::make_unique<BiasCorrection>(inputs);
}

}  // namespace aocq::quant
