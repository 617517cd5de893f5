// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Reconstruction.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/Log.hpp"
#include "nn/Autograd.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/Adam.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

StepForm form_of(StepChoice choice) {
    switch (choice) {
        case StepChoice::lsq:
            return StepForm::lsq;
        case StepChoice::pact:
            return StepForm::pact;
        case StepChoice::dsq:
            return StepForm::dsq;
        case StepChoice::kept:
            break;
    }
    return StepForm::search;
}

double finite(const at::Tensor& loss, const std::string& unit) {
    const double value = loss.item<double>();
    if (std::isfinite(value)) return value;
    throw Error::numeric("the reconstruction error is not finite")
        .because("the float model makes such values, or the learning rate is too large")
        .advise("look at the statistics of this block, or lower rate and step_rate")
        .at("unit", unit);
}

}  // namespace

Reconstruction::Reconstruction(const ReconstructionOptions& options, const PassContext& context,
                               QuantizedModel& model, const ReconstructionUnit& unit)
    : options_(options),
      context_(context),
      model_(model),
      unit_(unit),
      images_(static_cast<std::size_t>(unit.images())) {
    std::iota(images_.begin(), images_.end(), std::int64_t{0});
}

Json Reconstruction::run() {
    const Quantization fitted = model_.quantization;
    put_nearest();
    const nn::Parameters nearest = on_grid_;
    const double before = error(2.0, 0.0);
    for (const Phase& phase : phases()) learn(phase);
    const double after = error(2.0, 0.0);
    const bool accepted = after < before;
    if (!accepted) {
        model_.quantization = fitted;
        on_grid_ = nearest;
    }
    for (const auto& [name, weight] : on_grid_) model_.changed[name] = weight;
    return {{"before", before}, {"after", accepted ? after : before}, {"accepted", accepted}};
}

void Reconstruction::put_nearest() {
    for (const Site& site : unit_.weights(model_)) {
        on_grid_[site.parameter] = fake_quantize(find_parameter(context_, model_, site.parameter),
                                                 site, *model_.quantization.find(site.name));
    }
}

double Reconstruction::teacher_share() const {
    switch (options_.input) {
        case UnitInput::as_float:
            return 1;
        case UnitInput::mixed:
            return options_.mix;
        case UnitInput::quantized:
            break;
    }
    return 0;
}

std::vector<Reconstruction::Phase> Reconstruction::phases() const {
    std::vector<Phase> all;
    const bool weights = options_.weights == WeightForm::learned;
    const bool steps = options_.steps != StepChoice::kept;
    const bool together = steps && options_.order == StepOrder::together;
    if (weights || together) {
        Phase phase{
            "weights",     {}, {}, options_.rounding.iterations, options_.drop, teacher_share(),
            options_.power};
        if (weights) phase.weights = options_.rounding;
        if (together) phase.step_rate = options_.step_rate;
        all.push_back(std::move(phase));
    }
    if (steps && !together) {
        // As the unit will be used: nothing dropped, nothing mixed.
        const double share = options_.input == UnitInput::as_float ? 1 : 0;
        all.push_back({"steps",
                       {},
                       options_.step_rate,
                       options_.step_iterations,
                       0,
                       share,
                       options_.step_power});
    }
    return all;
}

Reconstruction::Learned Reconstruction::start(const Phase& phase) const {
    Learned learned{unit_.policy(model_), {}, {}};
    if (phase.step_rate) {
        for (const Site& site : unit_.activations(model_)) {
            const Quantizer& quantizer = *model_.quantization.find(site.name);
            if (!learnable(quantizer)) continue;
            learned.steps[{site.node, site.operand}] =
                std::make_unique<LearnableStep>(form_of(options_.steps), site, quantizer);
        }
    }
    if (phase.weights) {
        for (const Site& site : unit_.weights(model_)) {
            learned.weights.emplace_back(site, *model_.quantization.find(site.name),
                                         find_parameter(context_, model_, site.parameter),
                                         *phase.weights);
        }
    }
    return learned;
}

void Reconstruction::learn(const Phase& phase) {
    Learned learned = start(phase);
    const std::vector<at::Tensor> leaves = leaves_of(learned.steps);
    if (leaves.empty() && learned.weights.empty()) return;
    // One unit for all losses: the error to begin with.
    const double size =
        std::max(error(phase.power, phase.drop), std::numeric_limits<double>::min());
    Adam adam(leaves, phase.step_rate.value_or(0.0), phase.iterations);
    for (int i = 0; i < phase.iterations; ++i) {
        context_.may_stop();
        std::vector<at::Tensor> gradients = iterate(phase, i, size, learned);
        double weights = 0;
        for (std::size_t w = 0; w < learned.weights.size(); ++w)
            weights += static_cast<double>(gradients[w].numel());
        // A weight's mean share of the loss is one (SoftOptions).
        for (std::size_t w = 0; w < learned.weights.size(); ++w)
            learned.weights[w].step(gradients[w] * weights);
        gradients.erase(gradients.begin(),
                        gradients.begin() + static_cast<std::ptrdiff_t>(learned.weights.size()));
        adam.step(gradients);
    }
    take_over(learned);
}

// Gradients of the loss to the weights, then to the leaves of the steps.
std::vector<at::Tensor> Reconstruction::iterate(const Phase& phase, int iteration, double size,
                                                Learned& learned) const {
    const RandomKey key = RandomKey(context_.seed)
                              .child("block_reconstruction")
                              .child(unit_.name())
                              .child(phase.name)
                              .child(static_cast<std::uint64_t>(iteration));
    const auto images = draw_images(images_, options_.batch, key.child("images"));
    const at::Tensor input = unit_.input(images, phase.teacher_share, key.child("input"));
    nn::Parameters weights = on_grid_;
    std::vector<at::Tensor> wanted;
    for (SoftWeight& weight : learned.weights) {
        wanted.push_back(weight.value().requires_grad_(true));
        weights[weight.parameter()] = wanted.back();
    }
    for (const at::Tensor& leaf : leaves_of(learned.steps)) wanted.push_back(leaf);

    const c10::AutoGradMode on(true);
    LearningPolicy policy(learned.fixed, learned.steps,
                          static_cast<double>(iteration) / phase.iterations,
                          {phase.drop, key.child("drop")});
    const at::Tensor loss =
        unit_.error(unit_.output(input, weights, &policy), images, phase.power) / size +
        penalty_of(learned.steps) * options_.decay;
    finite(loss, unit_.name());
    return nn::gradients(loss, wanted);
}

void Reconstruction::take_over(const Learned& learned) {
    for (const SoftWeight& weight : learned.weights) {
        log_debug("{} of {}: {:.4f} undecided", weight.parameter(), unit_.name(),
                  weight.undecided());
        on_grid_[weight.parameter()] = weight.rounded();
    }
    for (const Site& site : unit_.activations(model_)) {
        const auto found = learned.steps.find({site.node, site.operand});
        if (found != learned.steps.end())
            *model_.quantization.find(site.name) = found->second->quantizer();
    }
}

double Reconstruction::error(double power, double drop) const {
    SitePolicy policy = unit_.policy(model_);
    const double share = options_.input == UnitInput::as_float ? 1 : 0;
    double sum = 0;
    for (std::size_t first = 0; first < images_.size();) {
        const std::size_t last =
            std::min(first + static_cast<std::size_t>(options_.batch), images_.size());
        const std::vector<std::int64_t> some(images_.begin() + static_cast<std::ptrdiff_t>(first),
                                             images_.begin() + static_cast<std::ptrdiff_t>(last));
        const at::Tensor output = unit_.output(unit_.input(some, share, RandomKey(0)), on_grid_,
                                               drop >= 1 ? nullptr : &policy);
        sum += finite(unit_.error(output, some, power), unit_.name()) *
               static_cast<double>(some.size());
        first = last;
    }
    return sum / static_cast<double>(images_.size());
}

}  // namespace aocq::quant
