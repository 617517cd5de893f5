// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StudentTuning.hpp"

#include <c10/core/GradMode.h>

#include <cmath>
#include <set>

#include "nn/Autograd.hpp"
#include "quant/passes/Adam.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

// The bias of the layer that a weight belongs to; "" where it has none.
std::string bias_of(const nn::Node& node) {
    if (const auto* linear = std::get_if<nn::Linear>(&node.op)) return linear->bias;
    if (const auto* patch = std::get_if<nn::PatchConvolution>(&node.op)) return patch->bias;
    return {};
}

}  // namespace

StudentTuning::StudentTuning(const StudentOptions& options, const PassContext& context,
                             const QuantizedModel& model)
    : options_(options),
      context_(context),
      graph_(nn::edited(context.graph, model.edits)),
      teacher_(teacher_parameters(context.parameters, model)),
      student_(student_parameters(context.parameters, model)),
      fixed_(graph_.nodes().size()) {
    std::set<std::string> learned;
    for (const Site& site : context.sites) {
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (!quantizer || !quantizer->fitted) continue;
        fixed_.set(site, quantizer);
        if (site.is_weight()) {
            learned.insert(site.parameter);
            if (const std::string bias = bias_of(graph_.nodes()[site.node]); !bias.empty())
                learned.insert(bias);
        } else if (learnable(*quantizer)) {
            steps_[{site.node, site.operand}] =
                std::make_unique<LearnableStep>(StepForm::lsq, site, *quantizer);
        }
    }
    learned_.assign(learned.begin(), learned.end());
    for (const std::string& name : learned_) student_[name] = nn::leaf(student_.at(name));
}

at::Tensor StudentTuning::distance(const at::Tensor& images, const at::Tensor& expected) const {
    LearningPolicy policy(fixed_, steps_, 1.0);
    return (nn::forward(graph_, student_, images, &policy) - expected).abs().mean(-1);
}

double StudentTuning::distance_on(const Batches& batches) const {
    const nn::NoGradients scope;
    double sum = 0;
    std::int64_t images = 0;
    batches([&](const at::Tensor& batch) {
        sum += distance(batch, nn::forward(graph_, teacher_, batch)).sum().item<double>();
        images += batch.size(0);
    });
    const double mean = sum / static_cast<double>(images);
    if (!std::isfinite(mean)) {
        throw Error::numeric("the quantized model's logits are not finite")
            .advise("lower rate and step_rate of adversarial_tuning");
    }
    return mean;
}

void StudentTuning::learn(const at::Tensor& images, const RandomKey& key,
                          const std::function<void()>& may_stop) {
    at::Tensor expected;
    {
        const nn::NoGradients scope;
        expected = nn::forward(graph_, teacher_, images);
    }
    std::vector<at::Tensor> weights, all;
    for (const std::string& name : learned_) weights.push_back(student_.at(name));
    const std::vector<at::Tensor> steps = leaves_of(steps_);
    all = weights;
    all.insert(all.end(), steps.begin(), steps.end());
    Adam of_weights(weights, options_.rate, options_.iterations);
    Adam of_steps(steps, options_.step_rate, options_.iterations);
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = 0; i < images.size(0); ++i) numbers.push_back(i);
    const auto count = static_cast<std::ptrdiff_t>(weights.size());
    for (int i = 0; i < options_.iterations; ++i) {
        may_stop();
        const auto chosen =
            draw_images(numbers, options_.batch, key.child(static_cast<std::uint64_t>(i)));
        std::vector<at::Tensor> found;
        {
            const c10::AutoGradMode on(true);
            const auto some = [&](const at::Tensor& x) {
                return rows_of_images(x, chosen, images.size(0));
            };
            found = nn::gradients(distance(some(images), some(expected)).mean(), all);
        }
        const nn::NoGradients scope;
        of_weights.step({found.begin(), found.begin() + count});
        of_steps.step({found.begin() + count, found.end()});
    }
}

void StudentTuning::take_over(QuantizedModel& model) const {
    for (const std::string& name : learned_)
        model.changed[name] =
            student_.at(name).detach().to(at::kCPU, at::kFloat, false, /*copy=*/true);
    for (const Site& site : context_.sites) {
        const auto found = steps_.find({site.node, site.operand});
        if (found != steps_.end() && !site.is_weight())
            *model.quantization.find(site.name) = found->second->quantizer();
    }
}

}  // namespace aocq::quant
