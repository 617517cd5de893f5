// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ScaleSearch.hpp"

#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/MissingBias.hpp"
#include "quant/passes/OperandSearch.hpp"
#include "quant/passes/OutputGradients.hpp"
#include "quant/passes/Segment.hpp"

namespace aocq::quant {
namespace {

class SegmentSearch {
  public:
    SegmentSearch(const ScaleSearchOptions& options, const PassContext& context,
                  QuantizedModel& model, std::size_t block)
        : options_(options),
          context_(context),
          model_(model),
          segment_(segment_of(context.graph, block)) {
        if (options.bias_correction)
            add_missing_biases(context.graph, segment_.first, segment_.last, model);
    }

    void apply(Json& report) {
        if (options_.objective == SearchObjective::hessian) gradients_ = wanted_gradients();
        TeacherRun run(context_, model_, segment_);
        for (std::size_t node = segment_.first; node < segment_.last; ++node) {
            const nn::Node& at = run.graph().nodes()[node];
            if (at.role == nn::Role::none) continue;
            context_.may_stop();
            run.advance(node);
            const bool linear = std::holds_alternative<nn::Linear>(at.op);
            const SearchFigures figures =
                linear ? search_layer(run, node) : search_product(run, node);
            report[at.name] = {{"before", figures.before}, {"after", figures.after}};
            gradients_.erase(at.output);
        }
    }

  private:
    std::map<nn::ValueId, at::Tensor> wanted_gradients() const {
        std::vector<nn::ValueId> values;
        for (std::size_t node = segment_.first; node < segment_.last; ++node) {
            if (context_.graph.nodes()[node].role != nn::Role::none)
                values.push_back(context_.graph.nodes()[node].output);
        }
        return output_gradients(context_, model_, segment_, values,
                                {options_.gradients, options_.draws});
    }

    at::Tensor gradients_of(nn::ValueId value) const {
        const auto found = gradients_.find(value);
        return found == gradients_.end() ? at::Tensor() : found->second;
    }

    SearchedOperand operand(std::size_t node, nn::Operand which) const {
        const Site& site = find_site(context_, node, which);
        Quantizer* quantizer = model_.quantization.find(site.name);
        if (quantizer && !quantizer->fitted) {
            throw Error::config("scale_search starts from fitted scales")
                .advise("put the pass 'fit' before it")
                .at("site", site.name);
        }
        return {site, quantizer};
    }

    SearchFigures search_layer(const TeacherRun& run, std::size_t node) {
        const nn::Node& at = run.graph().nodes()[node];
        const auto& linear = std::get<nn::Linear>(at.op);
        const std::int64_t images = run.images();
        const auto of_images = [&](const at::Tensor& x) {
            return spaced_rows(x.reshape({images, -1, x.size(-1)}), 1, options_.tokens);
        };
        LinearValues values;
        values.x = of_images(run.value(at.inputs.front()));
        values.output = at::matmul(values.x, run.parameters().at(linear.weight).t());
        values.weight = find_parameter(context_, model_, linear.weight);
        if (!linear.bias.empty()) {
            values.output.add_(run.parameters().at(linear.bias));
            values.bias = find_parameter(context_, model_, linear.bias);
        }
        if (const at::Tensor g = gradients_of(at.output); g.defined())
            values.gradients = of_images(g);
        const SearchFigures figures =
            search_linear(options_, values, operand(node, nn::Operand::first),
                          operand(node, nn::Operand::weight), context_.may_stop);
        if (options_.bias_correction) model_.changed[linear.bias] = values.bias;
        return figures;
    }

    SearchFigures search_product(const TeacherRun& run, std::size_t node) {
        const nn::Node& at = run.graph().nodes()[node];
        const auto& matmul = std::get<nn::Matmul>(at.op);
        // Rows of the left side are tokens (queries), those of the right side are needed by each.
        const std::int64_t windows = run.value(at.inputs[0]).size(0) / run.images();
        const auto of_windows = [&](const at::Tensor& x) {
            return spaced_rows(x, 2, (options_.tokens + windows - 1) / windows);
        };
        MatmulValues values;
        values.lhs = of_windows(run.value(at.inputs[0]));
        values.rhs = run.value(at.inputs[1]);
        values.transpose_rhs = matmul.transpose_rhs;
        values.factor = matmul.factor;
        values.images = run.images();
        values.is_scores = at.role == nn::Role::attention_scores;
        if (const at::Tensor g = gradients_of(at.output); g.defined())
            values.gradients = of_windows(g);
        values.output = at::matmul(
            values.lhs, matmul.transpose_rhs ? values.rhs.transpose(-2, -1) : values.rhs);
        values.output.mul_(matmul.factor);
        return search_matmul(options_, values, operand(node, nn::Operand::first),
                             operand(node, nn::Operand::second), context_.may_stop);
    }

    const ScaleSearchOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    Segment segment_;
    std::map<nn::ValueId, at::Tensor> gradients_;
};

class ScaleSearch : public Pass {
  public:
    explicit ScaleSearch(ScaleSearchOptions options) : options_(options) {}

    Json parameters() const override {
        const bool released = options_.gradients == GradientSource::released;
        return {{"objective", search_objectives.name(options_.objective)},
                {"candidates", options_.candidates},
                {"from", options_.from},
                {"to", options_.to},
                {"rounds", options_.rounds},
                {"tokens", options_.tokens},
                {"draws", options_.draws},
                {"as_released", released},
                {"bias_correction", options_.bias_correction},
                {"rank_weight", options_.rank.weight},
                {"rank_margin", options_.rank.margin},
                {"rank_rows", options_.rank.rows}};
    }
    Needs needs() const override { return {.images = true}; }
    bool has_independent_blocks() const override { return true; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        for (const std::size_t block : blocks_in_scope(context))
            SegmentSearch(options_, context, model, block).apply(report);
        return report;
    }

  private:
    ScaleSearchOptions options_;
};

}  // namespace

std::unique_ptr<Pass> make_scale_search(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave out its level, or the pass from the list"));
    }
    ScaleSearchOptions options;
    options.objective =
        fields.choice<SearchObjective>("objective", search_objectives, options.objective);
    options.candidates = fields.integer("candidates", 2, 100'000, options.candidates);
    options.from = fields.number("from", 1e-6, 1e3, options.from);
    options.to = fields.number("to", options.from, 1e3, options.to);
    options.rounds = static_cast<int>(fields.integer("rounds", 1, 1000, options.rounds));
    options.tokens = fields.integer("tokens", 0, 1 << 24, options.tokens);
    options.draws = static_cast<int>(fields.integer("draws", 1, 1000, options.draws));
    if (fields.flag("as_released", false)) options.gradients = GradientSource::released;
    if (options.gradients == GradientSource::released &&
        options.objective != SearchObjective::hessian) {
        fields.fail("as_released", Error::config("only the hessian objective has gradients")
                                       .advise("use objective = \"hessian\""));
    }
    options.bias_correction = fields.flag("bias_correction", options.bias_correction);
    options.rank.weight = fields.number("rank_weight", 0.0, 1e6, options.rank.weight);
    options.rank.margin = fields.number("rank_margin", 0.0, 1e6, options.rank.margin);
    options.rank.rows = fields.integer("rank_rows", 1, 1 << 24, options.rank.rows);
    fields.finish();
    return std::make_unique<ScaleSearch>(options);
}

}  // namespace aocq::quant
