// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockRun.hpp"

#include <algorithm>

namespace aocq::quant {

BlockRun::BlockRun(const PassContext& context, const QuantizedModel& model, std::size_t block,
                   Weights weights)
    : context_(context),
      model_(model),
      block_(block),
      weights_(weights),
      graph_(nn::edited(context.graph, model.edits)),
      entrance_(context.walk->student(block, model)) {}

SitePolicy BlockRun::policy(std::size_t stop) const {
    SitePolicy policy(graph_.nodes().size());
    const std::size_t first = graph_.blocks()[block_].first;
    for (const Site& site : context_.sites) {
        if (site.node < first || site.node >= stop) continue;
        if (site.is_weight() && weights_ == Weights::as_they_are) continue;
        const Quantizer* quantizer = model_.quantization.find(site.name);
        if (quantizer && quantizer->fitted) policy.set(site, quantizer);
    }
    return policy;
}

nn::Parameters BlockRun::parameters() const {
    return student_parameters(context_.parameters, model_);
}

nn::Values BlockRun::before(std::size_t stop, const std::vector<nn::ValueId>& values,
                            const std::vector<std::int64_t>& images) const {
    at::Tensor entrance = entrance_;
    if (!images.empty()) {
        entrance = entrance.index_select(
            0, at::tensor(at::ArrayRef<std::int64_t>(images.data(), images.size()))
                   .to(entrance.device()));
    }
    nn::Values found;
    nn::RunOptions options;
    options.first = graph_.blocks()[block_].first;
    options.last = stop;
    const nn::ValueId entry = context_.walk->entrance(block_);
    for (const nn::ValueId value : values) {
        if (value == entry) {
            found[value] = entrance;
        } else {
            options.taps.push_back(value);
        }
    }
    if (options.taps.empty()) return found;
    SitePolicy quantized = policy(stop);
    options.policy = &quantized;
    const nn::Values ran = nn::run(graph_, parameters(), {{entry, entrance}}, options);
    found.insert(ran.begin(), ran.end());
    return found;
}

}  // namespace aocq::quant
