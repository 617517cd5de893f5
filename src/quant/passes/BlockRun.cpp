// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BlockRun.hpp"

#include <algorithm>
#include <set>

namespace aocq::quant {

BlockRun::BlockRun(const PassContext& context, const QuantizedModel& model, std::size_t block,
                   const std::vector<std::int64_t>& images)
    : context_(context),
      model_(model),
      range_(context.graph.blocks()[block]),
      graph_(nn::edited(context.graph, model.edits)),
      next_(range_.first) {
    at::Tensor entrance = context.walk->student(block, model);
    if (!images.empty()) {
        entrance = entrance.index_select(
            0, at::tensor(at::ArrayRef<std::int64_t>(images.data(), images.size()))
                   .to(entrance.device()));
    }
    alive_[context.walk->entrance(block)] = entrance;
}

nn::Parameters BlockRun::parameters() const {
    return student_parameters(context_.parameters, model_);
}

void BlockRun::advance(std::size_t stop) {
    AOCQ_EXPECT(stop >= next_ && stop <= range_.last);
    if (stop == next_) return;
    SitePolicy policy(graph_.nodes().size());
    for (const Site& site : context_.sites) {
        if (site.node < next_ || site.node >= stop || site.is_weight()) continue;
        const Quantizer* quantizer = model_.quantization.find(site.name);
        if (quantizer && quantizer->fitted) policy.set(site, quantizer);
    }
    std::set<nn::ValueId> needed, made;
    for (std::size_t i = next_; i < stop; ++i) made.insert(graph_.nodes()[i].output);
    nn::Values kept;
    nn::RunOptions options;
    options.first = next_;
    options.last = stop;
    options.policy = &policy;
    for (std::size_t i = stop; i < range_.last; ++i) {
        for (const nn::ValueId input : graph_.nodes()[i].inputs) {
            if (!needed.insert(input).second) continue;
            if (made.contains(input)) options.taps.push_back(input);
            if (const auto found = alive_.find(input); found != alive_.end()) kept.insert(*found);
        }
    }
    const nn::Values ran = nn::run(graph_, parameters(), alive_, options);
    alive_ = std::move(kept);
    if (!options.taps.empty()) alive_.insert(ran.begin(), ran.end());
    next_ = stop;
}

const at::Tensor& BlockRun::value(nn::ValueId id) const {
    const auto found = alive_.find(id);
    AOCQ_EXPECT(found != alive_.end());
    return found->second;
}

}  // namespace aocq::quant
