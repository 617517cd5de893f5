// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LogitsJudge.hpp"

#include <algorithm>

#include "quant/SitePolicy.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {

LogitsJudge::LogitsJudge(const PassContext& context, std::size_t block,
                         const std::vector<std::int64_t>& images, at::Tensor& expected)
    : context_(context), block_(block) {
    const at::Tensor& entrance = context.walk->teacher(block);
    entrance_ = rows_of_images(entrance, images, context.walk->images());
    if (!expected.defined()) {
        expected =
            at::log_softmax(logits(context.graph, context.parameters, nullptr).to(at::kDouble), -1);
    }
    expected_ = expected;
}

at::Tensor LogitsJudge::logits(const nn::Graph& graph, const nn::Parameters& parameters,
                               nn::OperandPolicy* policy) const {
    nn::RunOptions options;
    options.first = graph.blocks()[block_].first;
    options.taps = {graph.output()};
    options.policy = policy;
    return nn::run(graph, parameters, {{context_.walk->entrance(block_), entrance_}}, options)
        .at(graph.output());
}

double LogitsJudge::divergence(const QuantizedModel& model,
                               const std::vector<std::string>& sites) const {
    const nn::Graph graph = nn::edited(context_.graph, model.edits);
    SitePolicy policy(graph.nodes().size());
    for (const Site& site : context_.sites) {
        if (std::find(sites.begin(), sites.end(), site.name) == sites.end()) continue;
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (quantizer && quantizer->fitted) policy.set(site, quantizer);
    }
    const nn::Parameters parameters = teacher_parameters(context_.parameters, model);
    const at::Tensor found =
        at::log_softmax(logits(graph, parameters, &policy).to(at::kDouble), -1);
    return (expected_.exp() * (expected_ - found)).sum(-1).mean().item<double>();
}

}  // namespace aocq::quant
