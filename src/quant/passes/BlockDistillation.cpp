// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockDistillation.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

#include "core/Random.hpp"
#include "nn/Autograd.hpp"
#include "quant/BatchedRun.hpp"
#include "quant/passes/Adam.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
BlockDistillation::BlockDistillation(const DistillationOptions& options, const PassContext& context,
                                     QuantizedModel& model, std::size_t block)
    : options_(options),
      context_(context),
      model_(model),
      range_(context.graph.blocks()[block]),
      graph_(nn::edited(context.graph, model.edits)),
      entrance_(context.walk->entrance(block)),
      input_(context.walk->student(block, model)) {
    for (const Site& site : context.sites) {
        if (site.node < range_.first || site.node >= range_.last) continue;
        const Quantizer* q = model.quantization.find(site.name);
        if (!q) continue;
        grids_[site.name] = *q;
        if (!site.is_weight()) continue;
        learned_.push_back(site.parameter);
        const auto* linear = std::get_if<nn::Linear>(&graph_.nodes()[site.node].op);
        if (linear && !linear->bias.empty()) learned_.push_back(linear->bias);
    }
    nn::RunOptions run;
    run.first = range_.first;
    run.last = range_.last;
    run.taps = {graph_.nodes()[range_.last - 1].output};
    target_ = run_in_batches(graph_, teacher_parameters(context.parameters, model),
                             {{entrance_, input_}}, run, input_.size(0), context.walk->limit())
                  .begin()
                  ->second;
}

Json BlockDistillation::apply() {
    if (learned_.empty()) return nullptr;
    const Split split = split_images(input_.size(0));
    nn::Parameters parameters = student_parameters(context_.parameters, model_);
    const double before = error_on(split.judge, parameters);
    learn(split.search, parameters);
    fit_weights(parameters);
    const double after = error_on(split.judge, parameters);
    const bool accepted = after < before;
    if (accepted) {
        for (const std::string& name : learned_)
            model_.changed[name] = parameters.at(name).to(at::kCPU).contiguous();
        for (auto& [site, quantizer] : grids_)
            *model_.quantization.find(site) = std::move(quantizer);
    }
    return {{"before", before}, {"after", accepted ? after : before}, {"accepted", accepted}};
}

void BlockDistillation::learn(const std::vector<std::int64_t>& images, nn::Parameters& parameters) {
    std::vector<at::Tensor> leaves;
    for (const std::string& name : learned_) {
        leaves.push_back(nn::leaf(parameters.at(name)));
        parameters[name] = leaves.back();
    }
    const double first = std::max(error_on(images, parameters), std::numeric_limits<double>::min());
    Adam adam(leaves, options_.rate, options_.iterations);
    const RandomKey key = RandomKey(context_.seed).child("layer_distillation").child(range_.name);
    for (int i = 0; i < options_.iterations; ++i) {
        context_.may_stop();
        fit_weights(parameters);
        std::vector<at::Tensor> gradients;
        {
            const c10::AutoGradMode on(true);
            const auto batch =
                draw_images(images, options_.batch, key.child(static_cast<std::uint64_t>(i)));
            gradients = nn::gradients(error(batch, parameters) / first, leaves);
        }
        adam.step(gradients);
    }
    for (const std::string& name : learned_) parameters[name] = parameters[name].detach();
}

// Grids that follow the weights.
void BlockDistillation::fit_weights(const nn::Parameters& parameters) {
    for (const Site& site : context_.sites) {
        const auto found = grids_.find(site.name);
        if (found == grids_.end() || !site.is_weight()) continue;
        observe(parameters.at(site.parameter).detach(), site, found->second, options_.weights);
    }
}

SitePolicy BlockDistillation::policy() const {
    SitePolicy policy(graph_.nodes().size());
    for (const Site& site : context_.sites) {
        const auto found = grids_.find(site.name);
        if (found != grids_.end() && found->second.fitted) policy.set(site, &found->second);
    }
    return policy;
}

at::Tensor BlockDistillation::error(const std::vector<std::int64_t>& images,
                                    const nn::Parameters& parameters) {
    nn::RunOptions run;
    run.first = range_.first;
    run.last = range_.last;
    SitePolicy quantized = policy();
    run.policy = &quantized;
    const at::Tensor found =
        nn::run(graph_, parameters, {{entrance_, rows_of_images(input_, images, input_.size(0))}},
                run)
            .begin()
            ->second;
    return (found - rows_of_images(target_, images, input_.size(0))).square().mean();
}

double BlockDistillation::error_on(const std::vector<std::int64_t>& images,
                                   const nn::Parameters& parameters) {
    const nn::NoGradients scope;
    double sum = 0;
    for (const std::int64_t image : images) sum += error({image}, parameters).item<double>();
    return sum / static_cast<double>(images.size());
}

}  // namespace aocq::quant
