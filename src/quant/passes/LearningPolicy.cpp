// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearningPolicy.hpp"

#include "quant/Simulate.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/StepFunction.hpp"

namespace aocq::quant {

std::vector<at::Tensor> leaves_of(const Steps& steps) {
    std::vector<at::Tensor> leaves;
    for (const auto& [place, step] : steps)
        leaves.insert(leaves.end(), step->leaves().begin(), step->leaves().end());
    return leaves;
}

at::Tensor penalty_of(const Steps& steps) {
    at::Tensor sum = at::zeros({});
    for (const auto& [place, step] : steps) sum = sum + step->penalty();
    return sum;
}

at::Tensor LearningPolicy::kept(std::size_t node, nn::Operand which, const at::Tensor& x) const {
    if (dropping_.probability <= 0) return {};
    const RandomKey place =
        dropping_.key.child(std::uint64_t{node}).child(static_cast<std::uint64_t>(which));
    return kept_values(x.sizes(), dropping_.probability, place);
}

at::Tensor LearningPolicy::operand(std::size_t node, nn::Operand which, const at::Tensor& x) {
    if (dropping_.probability >= 1) return x;
    if (const auto found = steps_.find({node, which}); found != steps_.end())
        return (*found->second)(x, progress_, kept(node, which, x));
    const SitePolicy::Slot* slot = fixed_.find(node, which);
    return slot ? round_to_quantizer(x, slot->site, slot->quantizer, kept(node, which, x)) : x;
}

at::Tensor LearningPolicy::softmax(std::size_t node, const at::Tensor& scores) {
    const SitePolicy::Slot* slot = fixed_.find(node, nn::Operand::first);
    if (!slot || dropping_.probability >= 1) return OperandPolicy::softmax(node, scores);
    return integer_softmax(scores, slot->quantizer);
}

}  // namespace aocq::quant
