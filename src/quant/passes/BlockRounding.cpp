// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockRounding.hpp"

#include "quant/Simulate.hpp"
#include "quant/passes/LayerRounding.hpp"
#include "quant/passes/MissingBias.hpp"
#include "quant/passes/RidgeChoice.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
namespace {

// Where there are no other images to try a ridge on, and for a solver's own.
double usual_ridge(const RoundingOptions& options, const Quantizer* input) {
    if (options.ridge > 0) return options.ridge;
    const int bits = input ? input->scheme.bits : 32;
    return bits <= 4 ? 0.1 : bits <= 6 ? 0.03 : 0.01;
}

at::Tensor rows_of(const at::Tensor& value) {
    return value.reshape({-1, value.size(-1)});
}

}  // namespace

BlockRounding::BlockRounding(const RoundingOptions& options, const PassContext& context,
                             QuantizedModel& model, std::size_t block)
    : options_(options), context_(context), model_(model), block_(block) {
    const nn::Block& range = context.graph.blocks()[block];
    if (options.bias) add_missing_biases(context.graph, range.first, range.last, model);
    graph_ = nn::edited(context.graph, model.edits);
}

void BlockRounding::apply(Json& report) {
    const nn::Block& range = context_.graph.blocks()[block_];
    student_ = std::make_unique<BlockRun>(context_, model_, block_);
    teacher_parameters_ = teacher_parameters(context_.parameters, model_);
    for (std::size_t node = range.first; node < range.last; ++node) {
        if (graph_.nodes()[node].role != nn::Role::linear) continue;
        context_.may_stop();
        student_->advance(node);
        layer(node, report);
    }
    student_->leave();
}

// Its end is not left to the walk: the rewritten block has other bits than the block itself, and a
// stage that goes on after a stop has to see what one sees that was not stopped.
void BlockRounding::start_teacher() {
    const nn::Block& range = context_.graph.blocks()[block_];
    const at::Tensor& entrance = context_.walk->teacher(block_);
    teacher_ = std::make_unique<PiecewiseRun>(
        graph_, range.first, range.last, nn::Values{{context_.walk->entrance(block_), entrance}},
        context_.walk->images(), context_.walk->limit());
}

Followed BlockRounding::followed_at(std::size_t node) {
    if (options_.teacher == 0 || !(options_.cross || options_.bias)) return {};
    if (!teacher_) start_teacher();
    teacher_->advance(node, teacher_parameters_, nullptr);
    return {rows_of(teacher_->value(graph_.nodes()[node].inputs.front())), options_.teacher};
}

void BlockRounding::layer(std::size_t node, Json& report) {
    const Site& site = find_site(context_, node, nn::Operand::weight);
    Quantizer* quantizer = model_.quantization.find(site.name);
    if (!quantizer) return;
    if (quantizer->scheme.granularity == Granularity::part) {
        throw Error::config("weight_rounding does not know parts of a weight")
            .advise("give this site granularity \"channel\", \"group\" or \"tensor\"")
            .at("site", site.name);
    }
    const Quantizer* input =
        model_.quantization.find(find_site(context_, node, nn::Operand::first).name);
    const auto& linear = std::get<nn::Linear>(graph_.nodes()[node].op);
    const at::Tensor weight = find_parameter(context_, model_, linear.weight).to(at::kDouble);
    const Known known = known_of(node, weight, input);
    LayerRounding rounding(options_, known.moments, output_of(node, weight.size(0)), *quantizer,
                           usual_ridge(options_, input));
    const at::Tensor rounded =
        rounding.round(known.ridge ? compensated(weight, known.moments, *known.ridge) : weight);
    model_.changed[linear.weight] = rounded;
    Json& entry = report[site.name];
    entry = {{"before", rounding.nearest_error()}, {"after", rounding.error()}};
    if (known.ridge) entry["ridge"] = *known.ridge;
    if (options_.bias) correct_bias(linear.bias, weight, rounded, known.moments);
}

BlockRounding::Known BlockRounding::known_of(std::size_t node, const at::Tensor& weight,
                                             const Quantizer* input) {
    const Followed followed = followed_at(node);
    const at::Tensor rows = rows_of(student_->value(graph_.nodes()[node].inputs.front()));
    const at::Tensor importance = weights_of(node, rows.size(0));
    const Site& site = find_site(context_, node, nn::Operand::first);
    // Nothing is missing from a float input behind the very same prefix.
    const bool moves = options_.cross && (input || followed.value.defined());
    const auto moments = [&](std::int64_t first, std::int64_t last) {
        Followed part = followed;
        if (part.value.defined()) part.value = part.value.slice(0, first, last);
        return layer_moments(
            rows.slice(0, first, last),
            [&](const at::Tensor& x) { return input ? fake_quantize(x, site, *input) : x; },
            importance.slice(0, first, last), moves ? CrossTerm::wanted : CrossTerm::left_out,
            part);
    };
    if (!moves) return {moments(0, rows.size(0)), std::nullopt};
    const std::int64_t images = context_.walk->images();
    if (options_.ridge > 0 || images < 2)
        return {moments(0, rows.size(0)), usual_ridge(options_, input)};
    const std::int64_t middle = images / 2 * (rows.size(0) / images);
    const LayerMoments one = moments(0, middle), other = moments(middle, rows.size(0));
    return {join(one, other), choose_ridge(weight, one, other)};
}

at::Tensor BlockRounding::weights_of(std::size_t node, std::int64_t rows) const {
    // All alike needs no sensitivity, of which there may be none.
    if (options_.tokens.source == TokenSource::gradient && options_.tokens.power == 0)
        return at::ones({rows, 1}, device_of(context_));
    return weights_of_tokens(context_, graph_.nodes()[node].name, options_.tokens).reshape({-1, 1});
}

at::Tensor BlockRounding::output_of(std::size_t node, std::int64_t outputs) const {
    if (options_.output == OutputForm::identity) return at::eye(outputs, at::kDouble);
    return output_factor(options_.output, context_.sensitivity->nodes.at(graph_.nodes()[node].name),
                         options_.shrink);
}

void BlockRounding::correct_bias(const std::string& name, const at::Tensor& weight,
                                 const at::Tensor& rounded, const LayerMoments& moments) {
    const at::Tensor bias = find_parameter(context_, model_, name).to(at::kDouble);
    const at::Tensor after = rounded.to(weight.device(), at::kDouble);
    model_.changed[name] =
        (bias + at::mv(weight, moments.raw_mean) - at::mv(after, moments.mean)).to(at::kFloat);
}

}  // namespace aocq::quant
