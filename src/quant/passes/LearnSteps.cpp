// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnSteps.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "core/Random.hpp"
#include "nn/Autograd.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/Adam.hpp"

namespace aocq::quant {
namespace {

using Steps = std::map<std::pair<std::size_t, nn::Operand>, std::unique_ptr<LearnableStep>>;

// Learned steps where there are some, the model's quantizers elsewhere.
class LearningPolicy : public nn::OperandPolicy {
  public:
    LearningPolicy(SitePolicy& fixed, const Steps& steps, double progress)
        : fixed_(fixed), steps_(steps), progress_(progress) {}
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override {
        const auto found = steps_.find({node, which});
        return found == steps_.end() ? fixed_.operand(node, which, x)
                                     : (*found->second)(x, progress_);
    }
    at::Tensor softmax(std::size_t node, const at::Tensor& scores) override {
        return fixed_.softmax(node, scores);
    }

  private:
    SitePolicy& fixed_;
    const Steps& steps_;
    double progress_;
};

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
        const at::Tensor index =
            at::tensor(at::ArrayRef<std::int64_t>(images.data(), images.size()))
                .to(input_.device());
        const at::Tensor found = output(input_.index_select(0, index), parameters_, &policy);
        const at::Tensor missed = found - target_.index_select(0, index);
        const at::Tensor rows = missed.reshape({index.size(0), -1, missed.size(-1)});
        const at::Tensor weights = weights_.to(rows.device()).index_select(0, index);
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

// `count` of the listed images, keyed: without replacement as far as they go.
std::vector<std::int64_t> draw(const std::vector<std::int64_t>& images, std::int64_t count,
                               const RandomKey& key) {
    RandomStream stream(key);
    std::vector<std::int64_t> left = images, drawn;
    while (!left.empty() && static_cast<std::int64_t>(drawn.size()) < count) {
        const auto place =
            std::min(left.size() - 1,
                     static_cast<std::size_t>(stream.uniform() * static_cast<double>(left.size())));
        drawn.push_back(left[place]);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
    }
    std::sort(drawn.begin(), drawn.end());
    return drawn;
}

std::vector<at::Tensor> all_leaves(const Steps& steps) {
    std::vector<at::Tensor> leaves;
    for (const auto& [place, step] : steps)
        leaves.insert(leaves.end(), step->leaves().begin(), step->leaves().end());
    return leaves;
}

at::Tensor all_penalties(const Steps& steps) {
    at::Tensor sum = at::zeros({});
    for (const auto& [place, step] : steps) sum = sum + step->penalty();
    return sum;
}

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
    const std::vector<at::Tensor> leaves = all_leaves(steps);
    Adam adam(leaves, options.rate, options.iterations);
    const RandomKey key =
        RandomKey(context.seed).child("activation_step").child(context.graph.blocks()[block].name);
    for (int i = 0; i < options.iterations; ++i) {
        context.may_stop();
        const auto images =
            draw(split.search, options.batch, key.child(static_cast<std::uint64_t>(i)));
        std::vector<at::Tensor> gradients;
        {
            const c10::AutoGradMode on(true);
            LearningPolicy policy(start, steps, static_cast<double>(i) / options.iterations);
            const at::Tensor error =
                task.error(images, policy) / first + all_penalties(steps) * options.decay;
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
