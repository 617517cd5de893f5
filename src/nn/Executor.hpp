// SPDX-License-Identifier: Apache-2.0
// Runs any range of a graph (DESIGN §3.2): values fed or tapped anywhere, parameters and values
// overridden, operands passed through a policy (quantization, observation), values freed after
// their last use. It works under autograd: feed a leaf or override a parameter that requires a
// gradient and differentiate what comes out.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nn/Graph.hpp"

namespace aocq::nn {

using Parameters = std::map<std::string, at::Tensor, std::less<>>;
using Values = std::map<ValueId, at::Tensor>;

// An operand that a policy may replace. `second` is the right-hand side of a matmul; `result` is
// what a node made, before anything reads it.
enum class Operand { first, second, weight, result };

// What happens to an operand before its node uses it, and to a node's result: identity (float),
// fake quantization, observation.
class OperandPolicy {
  public:
    virtual ~OperandPolicy() = default;
    virtual at::Tensor operand(std::size_t node, Operand which, const at::Tensor& x) = 0;
    // The probabilities that a softmax node makes of scores [.., keys]. An integer softmax is no
    // rounding of the exact one, so a policy may compute its own; this one is exact.
    virtual at::Tensor softmax(std::size_t node, const at::Tensor& scores);
};

struct RunOptions {
    std::size_t first = 0;  // nodes [first, last)
    std::size_t last = static_cast<std::size_t>(-1);
    std::vector<ValueId> taps;                // values to return
    const Parameters* overrides = nullptr;    // win over the model's parameters
    const Values* value_overrides = nullptr;  // replace a value right after it was computed
    OperandPolicy* policy = nullptr;          // none: float
};

// Returns the tapped values; with no taps, the output of the last node run. Every value that the
// range needs and does not compute must be in `feeds`.
Values run(const Graph& graph, const Parameters& parameters, const Values& feeds,
           const RunOptions& options = {});

// The whole graph: image [B, 3, S, S] f32 -> logits [B, classes] f32
at::Tensor forward(const Graph& graph, const Parameters& parameters, const at::Tensor& image,
                   OperandPolicy* policy = nullptr);

}  // namespace aocq::nn
