// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockRun.hpp"

#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {

BlockRun::BlockRun(const PassContext& context, const QuantizedModel& model, std::size_t block,
                   const std::vector<std::int64_t>& images)
    : context_(context),
      model_(model),
      block_(block),
      range_(context.graph.blocks()[block]),
      graph_(nn::edited(context.graph, model.edits)) {
    at::Tensor entrance = context.walk->student(block, model);
    if (!images.empty()) entrance = rows_of_images(entrance, images, context.walk->images());
    run_ = std::make_unique<PiecewiseRun>(graph_, range_.first, range_.last,
                                          nn::Values{{context.walk->entrance(block), entrance}},
                                          entrance.size(0), context.walk->limit());
}

nn::Parameters BlockRun::parameters() const {
    return student_parameters(context_.parameters, model_);
}

void BlockRun::advance(std::size_t stop) {
    SitePolicy policy(graph_.nodes().size());
    for (const Site& site : context_.sites) {
        const Quantizer* quantizer = model_.quantization.find(site.name);
        if (!quantizer || !quantizer->fitted || site.is_weight()) continue;
        const std::size_t node = node_of(site, quantizer->scheme);
        if (node >= run_->next() && node < stop) policy.set(site, quantizer);
    }
    run_->advance(stop, parameters(), &policy);
}

void BlockRun::leave() {
    AOCQ_EXPECT(run_->images() == context_.walk->images());
    advance(range_.last);
    context_.walk->student_left(block_, value(graph_.nodes()[range_.last - 1].output));
}

}  // namespace aocq::quant
