// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockSteps.hpp"

#include <algorithm>

#include "quant/passes/LearnSteps.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/StepSearch.hpp"
#include "quant/passes/TokenWeights.hpp"

namespace aocq::quant {
BlockSteps::BlockSteps(const StepOptions& options, const PassContext& context,
                       QuantizedModel& model, std::size_t block)
    : options_(options),
      context_(context),
      model_(model),
      index_(block),
      block_(context.graph.blocks()[block]),
      run_(context, model, block),
      split_(split_images(context.walk->images())) {}

std::vector<Site> BlockSteps::sites() const {
    std::vector<Site> found;
    for (const Site& site : context_.sites) {
        if (site.node < block_.first || site.node >= block_.last || site.is_weight()) continue;
        const Quantizer* quantizer = model_.quantization.find(site.name);
        // Outputs have no layer that says what their error costs; an integer softmax has no step.
        if (!quantizer || site.is_output() || quantizer->scheme.codec == Codec::log_int) continue;
        if (quantizer->scheme.mode == Mode::fixed) found.push_back(site);
    }
    return found;
}

void BlockSteps::apply(Json& report) {
    const bool joint = options_.form != StepForm::search && options_.objective == StepScope::block;
    std::vector<Site> learned;
    for (const Site& site : sites()) {
        context_.may_stop();
        if (joint && learnable(*model_.quantization.find(site.name))) {
            learned.push_back(site);
        } else {
            improve(site, report);
        }
    }
    if (learned.empty()) return;
    report[block_.name] =
        learn_block(options_, context_, model_, index_, learned, split_, weights_of(block_.name));
}

void BlockSteps::improve(const Site& site, Json& report) {
    const Losses losses = losses_of(site);
    if (!losses.search) return;
    Quantizer& quantizer = *model_.quantization.find(site.name);
    Quantizer found = improved(site, quantizer, *losses.search);
    const double before = losses.judge->error(quantizer), after = losses.judge->error(found);
    const bool accepted = after < before * (1 - options_.margin);
    report[site.name] = {{"before", before}, {"after", accepted ? after : before}};
    if (accepted) quantizer = std::move(found);
}

Quantizer BlockSteps::improved(const Site& site, const Quantizer& start,
                               const StepLoss& loss) const {
    if (options_.form != StepForm::search && learnable(start))
        return learn_site(options_, site, start, loss, context_.may_stop);
    return search_step(
               start, [&](const Quantizer& q) { return loss.error(q); }, options_.rounds)
        .quantizer;
}

// Steps are searched on the images that channels were not balanced by: on those that gave the
// extremes nothing lies beyond the range, and a range that looks too wide there is not.
BlockSteps::Losses BlockSteps::losses_of(const Site& site) {
    run_.advance(site.node);
    return context_.graph.nodes()[site.node].role == nn::Role::linear ? of_linear(site)
                                                                      : of_attention(site);
}

at::Tensor BlockSteps::weights_of(const std::string& name) const {
    return weights_of_tokens(context_, name, options_.tokens);
}

BlockSteps::Losses BlockSteps::of_linear(const Site& site) {
    const nn::Node& node = run_.graph().nodes()[site.node];
    const at::Tensor& value = run_.value(node.inputs.front());
    const at::Tensor x = value.reshape({context_.walk->images(), -1, value.size(-1)});
    constexpr std::int64_t values = std::int64_t{1} << 19;
    const std::int64_t most =
        options_.rows > 0 ? options_.rows : std::max<std::int64_t>(1024, values / x.size(-1));
    const at::Tensor weights = weights_of(node.name);
    const auto layer = std::make_shared<const LayerError>(
        find_parameter(context_, model_, std::get<nn::Linear>(node.op).weight), options_.mean);
    const auto loss = [&](const std::vector<std::int64_t>& images) {
        return std::make_unique<LinearStepLoss>(pick_rows(x, weights, images, most), layer, site);
    };
    return {loss(split_.judge), loss(split_.search)};
}

// The linear layer that takes the attention's output.
std::size_t BlockSteps::projection_after(std::size_t node) const {
    for (std::size_t i = node; i < block_.last; ++i) {
        if (run_.graph().nodes()[i].role == nn::Role::linear) return i;
    }
    return block_.last;
}

BlockSteps::Losses BlockSteps::of_attention(const Site& site) {
    const std::size_t projection = projection_after(site.node);
    if (projection == block_.last) return {};
    const at::Tensor weights = weights_of(context_.graph.nodes()[projection].name);
    const auto loss = [&](const std::vector<std::int64_t>& images) {
        return std::make_unique<AttentionStepLoss>(context_, model_, run_, site, projection,
                                                   weights, thinned(images, options_.images),
                                                   options_.mean);
    };
    return {loss(split_.judge), loss(split_.search)};
}

}  // namespace aocq::quant
