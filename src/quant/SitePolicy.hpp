// SPDX-License-Identifier: Apache-2.0
// An executor policy made site by site: what passes use to run a block with some of its operands
// quantized. (Simulation is the whole model with weights put on their grids once.)
#pragma once

#include <memory>
#include <vector>

#include "nn/Executor.hpp"
#include "quant/Quantization.hpp"

namespace aocq::quant {

class SitePolicy : public nn::OperandPolicy {
  public:
    explicit SitePolicy(std::size_t nodes) : slots_(nodes * 4) {}

    struct Slot {
        Site site;
        Quantizer quantizer;
    };

    // Null: the operand stays float.
    void set(const Site& site, const Quantizer* quantizer);
    // Null where the operand is float.
    const Slot* find(std::size_t node, nn::Operand which) const {
        return slots_[index(node, which)].get();
    }
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override;
    at::Tensor softmax(std::size_t node, const at::Tensor& scores) override;

  private:
    static std::size_t index(std::size_t node, nn::Operand which) {
        return node * 4 + static_cast<std::size_t>(which);
    }
    std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace aocq::quant
