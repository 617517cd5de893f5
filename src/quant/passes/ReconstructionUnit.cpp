// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ReconstructionUnit.hpp"

#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

at::Tensor relative(const at::Tensor& squares) {
    const at::Tensor mean = squares.mean();
    // Without any gradient all are alike.
    if (!(mean.item<double>() > 0)) return at::ones_like(squares).to(at::kFloat);
    return (squares / mean).to(at::kFloat);
}

}  // namespace

UnitImportance fisher_importance(const NodeSensitivity& node) {
    return {relative(node.token_norm.to(at::kDouble).square()), relative(node.squares)};
}

ReconstructionUnit::ReconstructionUnit(const PassContext& context, const QuantizedModel& model,
                                       UnitRange range, UnitValues values,
                                       UnitImportance importance)
    : context_(context),
      graph_(nn::edited(context.graph, model.edits)),
      parameters_(student_parameters(context.parameters, model)),
      range_(std::move(range)),
      values_(std::move(values)),
      importance_(std::move(importance)),
      images_(context.walk->images()) {
    AOCQ_EXPECT(values_.target.defined());
    AOCQ_EXPECT(values_.student.defined() || values_.teacher.defined());
}

std::vector<Site> ReconstructionUnit::fitted_sites(const QuantizedModel& model,
                                                   bool weights) const {
    std::vector<Site> found;
    for (const Site& site : context_.sites) {
        if (site.node < range_.first || site.node >= range_.last || site.is_weight() != weights)
            continue;
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (quantizer && quantizer->fitted) found.push_back(site);
    }
    return found;
}

std::vector<Site> ReconstructionUnit::activations(const QuantizedModel& model) const {
    return fitted_sites(model, false);
}

std::vector<Site> ReconstructionUnit::weights(const QuantizedModel& model) const {
    return fitted_sites(model, true);
}

SitePolicy ReconstructionUnit::policy(const QuantizedModel& model) const {
    SitePolicy policy(graph_.nodes().size());
    for (const Site& site : activations(model))
        policy.set(site, model.quantization.find(site.name));
    return policy;
}

at::Tensor ReconstructionUnit::input(const std::vector<std::int64_t>& images, double teacher_share,
                                     const RandomKey& key) const {
    if (!values_.student.defined() || teacher_share >= 1)
        return rows_of_images(values_.teacher, images, images_);
    const at::Tensor student = rows_of_images(values_.student, images, images_);
    if (teacher_share <= 0) return student;
    const at::Tensor teacher = rows_of_images(values_.teacher, images, images_);
    const at::Tensor kept = kept_values(student.sizes(), teacher_share, key);
    return at::where(kept.to(student.device()).to(at::kBool), teacher, student);
}

at::Tensor ReconstructionUnit::output(const at::Tensor& input, const nn::Parameters& weights,
                                      nn::OperandPolicy* policy) const {
    nn::RunOptions options;
    options.first = range_.first;
    options.last = range_.last;
    options.policy = policy;
    options.overrides = &weights;
    return nn::run(graph_, parameters_, {{range_.entrance, input}}, options).begin()->second;
}

at::Tensor ReconstructionUnit::error(const at::Tensor& output,
                                     const std::vector<std::int64_t>& images, double power) const {
    const at::Tensor missed = output - rows_of_images(values_.target, images, images_);
    const at::Tensor rows =
        missed.reshape({static_cast<std::int64_t>(images.size()), -1, missed.size(-1)});
    const at::Tensor powers = power == 2.0 ? rows.square() : rows.abs().pow(power);
    if (!importance_.tokens.defined()) return powers.sum(-1).mean();
    const at::Tensor channels = importance_.channels.to(rows.device());
    const at::Tensor tokens = rows_of_images(importance_.tokens, images, images_);
    return (at::matmul(powers, channels) * tokens.to(rows.device())).mean();
}

}  // namespace aocq::quant
