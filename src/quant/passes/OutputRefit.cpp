// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputRefit.hpp"

#include "quant/BatchedRun.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

std::vector<Site> quantized_outputs(const PassContext& context, const QuantizedModel& model,
                                    const std::set<std::size_t>& nodes) {
    std::vector<Site> found;
    for (const Site& site : context.sites) {
        if (!site.is_output() || !nodes.contains(site.node)) continue;
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (quantizer && quantizer->scheme.mode == Mode::fixed) found.push_back(site);
    }
    return found;
}

void follow_scores(const PassContext& context, QuantizedModel& model, const Site& scores) {
    for (const Site& site : context.sites) {
        if (!site.softmax || site.softmax->scores != scores.name) continue;
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (quantizer && quantizer->scheme.codec == Codec::log_int)
            model.quantization.count_in_steps_of_scores(site);
    }
}

}  // namespace

void refit_outputs(const PassContext& context, QuantizedModel& model, std::size_t block,
                   const std::set<std::size_t>& nodes) {
    const std::vector<Site> sites = quantized_outputs(context, model, nodes);
    if (sites.empty()) return;
    const nn::Graph graph = nn::edited(context.graph, model.edits);
    nn::RunOptions options;
    options.first = graph.blocks()[block].first;
    options.last = graph.blocks()[block].last;
    for (const Site& site : sites) options.taps.push_back(graph.nodes()[site.node].output);
    const at::Tensor entrance = context.walk->teacher(block);
    const nn::Values values = run_in_batches(graph, teacher_parameters(context.parameters, model),
                                             {{context.walk->entrance(block), entrance}}, options,
                                             entrance.size(0), context.walk->limit());
    for (const Site& site : sites) {
        fit_quantizer(values.at(graph.nodes()[site.node].output).contiguous(), site,
                      *model.quantization.find(site.name));
        follow_scores(context, model, site);
    }
}

}  // namespace aocq::quant
