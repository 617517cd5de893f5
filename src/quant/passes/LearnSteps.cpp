// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnSteps.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "nn/Autograd.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/Adam.hpp"
#include "quant/passes/LearningPolicy.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

// A block on chosen calibration images, before and after learning.
class BlockTask {
  public:
    BlockTask(const StepOptions& options, const PassContext& context, const QuantizedModel& model,
              std::size_t block, const at::Tensor& token_weights)
        : context_(context),
          range_(context.graph.blocks()[block]),
          graph_(nn::edited(context.graph, model.edits)),
          entrance_(context.walk->entrance(block)),
          input_(context.walk->student(block, model)),
          parameters_(student_parameters(context.parameters, model)),
          weights_(token_weights) {
        const bool behind_teacher = options.target == StepTarget::teacher;
        target_ = output(behind_teacher ? context.walk->teacher(block) : input_,
                         teacher_parameters(context.parameters, model), nullptr);
    }

    // Of the model's quantizers, [a scalar]: mean over images of the weighted squared error.
    at::Tensor error(const std::vector<std::int64_t>& images, nn::OperandPolicy& policy) const {
        const std::int64_t all = context_.walk->images();
        const at::Tensor found = output(rows_of_images(input_, images, all), parameters_, &policy);
        const at::Tensor missed = found - rows_of_images(target_, images, all);
        const at::Tensor rows =
            missed.reshape({static_cast<std::int64_t>(images.size()), -1, missed.size(-1)});
        const at::Tensor weights = rows_of_images(weights_.to(rows.device()), images, all);
        return (rows.square().mean(-1) * weights).mean();
    }

    SitePolicy quantized(const QuantizedModel& model) const {
        SitePolicy policy(graph_.nodes().size());
        for (const Site& site : context_.sites) {
            if (site.node < range_.first || site.node >= range_.last || site.is_weight()) continue;
            const Quantizer* q = model.quantization.find(site.name);
            if (q && q->fitted) policy.set(site, q);
        }
        return policy;
    }

  private:
    at::Tensor output(const at::Tensor& input, const nn::Parameters& parameters,
                      nn::OperandPolicy* policy) const {
        nn::RunOptions options;
        options.first = range_.first;
        options.last = range_.last;
        options.policy = policy;
        return nn::run(graph_, parameters, {{entrance_, input}}, options).begin()->second;
    }

    const PassContext& context_;
    nn::Block range_;
    nn::Graph graph_;
    nn::ValueId entrance_;
    at::Tensor input_;
    nn::Parameters parameters_;
    at::Tensor weights_, target_;
};

}  // namespace

Quantizer learn_site(const StepOptions& options, const Site& site, const Quantizer& start,
                     const StepLoss& loss, const std::function<void()>& may_stop) {
    const LearnableStep step(options.form, site, start);
    Adam adam(step.leaves(), options.rate, options.iterations);
    const double first = std::max(loss.error(start), std::numeric_limits<double>::min());
    Quantizer best = start;
    double least = loss.error(start);
    const int check = std::max(1, options.iterations / 10);
    for (int i = 0; i < options.iterations; ++i) {
        may_stop();
        const double progress = static_cast<double>(i) / options.iterations;
        std::vector<at::Tensor> gradients;
        {
            const c10::AutoGradMode on(true);
            const at::Tensor error = loss.loss([&](const at::Tensor& x) {
                return step(x, progress);
            }) / first + step.penalty() * options.decay;
            gradients = nn::gradients(error, step.leaves());
        }
        adam.step(gradients);
        if ((i + 1) % check != 0 && i + 1 != options.iterations) continue;
        Quantizer now = step.quantizer();
        if (const double found = loss.error(now); found < least) {
            least = found;
            best = std::move(now);
        }
    }
    return best;
}

Json learn_block(const StepOptions& options, const PassContext& context, QuantizedModel& model,
                 std::size_t block, const std::vector<Site>& sites, const Split& split,
                 const at::Tensor& token_weights) {
    const BlockTask task(options, context, model, block, token_weights);
    SitePolicy start = task.quantized(model);
    const auto error_of = [&](const std::vector<std::int64_t>& images, SitePolicy& policy) {
        return task.error(images, policy).item<double>();
    };
    const double before = error_of(split.judge, start);
    const double first =
        std::max(error_of(split.search, start), std::numeric_limits<double>::min());
    Steps steps;
    for (const Site& site : sites) {
        steps[{site.node, site.operand}] = std::make_unique<LearnableStep>(
            options.form, site, *model.quantization.find(site.name));
    }
    const std::vector<at::Tensor> leaves = leaves_of(steps);
    Adam adam(leaves, options.rate, options.iterations);
    const RandomKey key =
        RandomKey(context.seed).child("activation_step").child(context.graph.blocks()[block].name);
    for (int i = 0; i < options.iterations; ++i) {
        context.may_stop();
        const auto images =
            draw_images(split.search, options.batch, key.child(static_cast<std::uint64_t>(i)));
        std::vector<at::Tensor> gradients;
        {
            const c10::AutoGradMode on(true);
            LearningPolicy policy(start, steps, static_cast<double>(i) / options.iterations);
            const at::Tensor error =
                task.error(images, policy) / first + penalty_of(steps) * options.decay;
            gradients = nn::gradients(error, leaves);
        }
        adam.step(gradients);
    }
    QuantizedModel learned = model;
    for (const Site& site : sites)
        *learned.quantization.find(site.name) = steps.at({site.node, site.operand})->quantizer();
    SitePolicy end = task.quantized(learned);
    const double after = error_of(split.judge, end);
    const bool accepted = after < before * (1 - options.margin);
    if (accepted) model.quantization = std::move(learned.quantization);
    return {{"before", before},
            {"after", accepted ? after : before},
            {"sites", sites.size()},
            {"accepted", accepted}};
}

}  // namespace aocq::quant
