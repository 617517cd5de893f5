// SPDX-License-Identifier: Apache-2.0
// Fake quantization as an executor policy: every quantized operand is rounded to its grid and back.
// Weights are quantized once, when the simulation is made. Without gradients on the CPU the fused
// kernel runs; under autograd or on CUDA the same float32 operations run as tensor operations, bit
// for bit the same values.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/Executor.hpp"
#include "quant/Quantization.hpp"

namespace aocq::quant {

struct SimulateOptions {
    std::size_t first = 0;  // nodes [first, last): weights outside keep their float values
    std::size_t last = static_cast<std::size_t>(-1);
    double drop = 0.0;       // probability that an activation element stays float (QDrop)
    std::uint64_t seed = 0;  // of the drop masks
};

class Simulation : public nn::OperandPolicy {
  public:
    // `parameters`: the float model's; those of `model` win. Throws where a quantizer of the range
    // is not fitted.
    Simulation(const nn::Graph& graph, const nn::Parameters& parameters,
               const QuantizedModel& model, SimulateOptions options = {});
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override;
    at::Tensor softmax(std::size_t node, const at::Tensor& scores) override;

    // What to run: the model's graph with the edits of its passes.
    const nn::Graph& graph() const { return graph_; }
    // Parameters to run with: changed by passes and, for quantized weights, already on their grid.
    const nn::Parameters& parameters() const { return parameters_; }

  private:
    struct Slot {
        Site site;
        Quantizer quantizer;
    };
    static std::size_t index(std::size_t node, nn::Operand which) {
        return node * 4 + static_cast<std::size_t>(which);
    }

    nn::Graph graph_;
    nn::Parameters parameters_;
    std::vector<std::unique_ptr<Slot>> slots_;  // [node * 4 + operand]
    SimulateOptions options_;
    std::uint64_t draws_ = 0;
};

// x on the quantizer's grid and back, same shape. Straight-through gradient: 1 inside the range, 0
// outside. Codes of an integer softmax stay what they are.
at::Tensor fake_quantize(const at::Tensor& x, const Site& site, const Quantizer& quantizer);

// Probabilities of scores [.., keys] by a quantizer with the codec log_int. The gradient is the
// exact softmax's.
at::Tensor integer_softmax(const at::Tensor& scores, const Quantizer& quantizer);

}  // namespace aocq::quant
