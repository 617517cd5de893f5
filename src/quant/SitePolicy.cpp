// SPDX-License-Identifier: Apache-2.0
#include "quant/SitePolicy.hpp"

#include "quant/Simulate.hpp"

namespace aocq::quant {

void SitePolicy::set(const Site& site, const Quantizer* quantizer) {
    auto& slot =
        slots_[index(quantizer ? node_of(site, quantizer->scheme) : site.node, site.operand)];
    slot = quantizer ? std::make_unique<Slot>(Slot{site, *quantizer}) : nullptr;
}

at::Tensor SitePolicy::softmax(std::size_t node, const at::Tensor& scores) {
    const auto& slot = slots_[index(node, nn::Operand::first)];
    return slot ? integer_softmax(scores, slot->quantizer) : OperandPolicy::softmax(node, scores);
}

at::Tensor SitePolicy::operand(std::size_t node, nn::Operand which, const at::Tensor& x) {
    const auto& slot = slots_[index(node, which)];
    return slot ? fake_quantize(x, slot->site, slot->quantizer) : x;
}

}  // namespace aocq::quant
