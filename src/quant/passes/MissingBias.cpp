// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/MissingBias.hpp"

namespace aocq::quant {

void add_missing_biases(const nn::Graph& graph, std::size_t first, std::size_t last,
                        QuantizedModel& model) {
    const nn::Graph now = nn::edited(graph, model.edits);
    for (std::size_t node = first; node < last; ++node) {
        const auto* linear = std::get_if<nn::Linear>(&now.nodes()[node].op);
        if (!linear || !linear->bias.empty()) continue;
        const std::int64_t outputs = now.find_parameter(linear->weight)->shape[0];
        model.edits.push_back({nn::EditKind::bias, now.nodes()[node].name, outputs});
    }
}

}  // namespace aocq::quant
