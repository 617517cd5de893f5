// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/Quantization.hpp"

namespace aocq::quant {

// An edit for every linear layer among the nodes [first, last) that has no bias, so that a pass may
// correct one. With its neutral value, zero, nothing changes.
void add_missing_biases(const nn::Graph& graph, std::size_t first, std::size_t last,
                        QuantizedModel& model);

}  // namespace aocq::quant
