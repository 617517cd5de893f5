// SPDX-License-Identifier: Apache-2.0
#include "nn/PositionEmbedding.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "core/Error.hpp"

namespace aocq::nn {
namespace {

// The number of tokens in front of the patches that a parameter is added to.
std::optional<std::int64_t> tokens_before_patches(const Graph& graph,
                                                  const std::string& parameter) {
    for (const Node& node : graph.nodes()) {
        const auto* add = std::get_if<AddParameter>(&node.op);
        if (!add || add->parameter != parameter) continue;
        for (const Node& before : graph.nodes()) {
            if (before.output != node.inputs[0]) continue;
            if (const auto* tokens = std::get_if<PrependTokens>(&before.op))
                return static_cast<std::int64_t>(tokens->tokens.size());
            if (std::holds_alternative<FlattenPatches>(before.op)) return 0;
        }
    }
    return std::nullopt;
}

std::int64_t side_of(std::int64_t patches) {
    const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(double(patches))));
    return patches > 0 && side * side == patches ? side : 0;
}

}  // namespace

bool can_resample_position(const Graph& graph, const ParameterSpec& parameter,
                           const std::vector<std::int64_t>& found) {
    const auto& wanted = parameter.shape;
    if (wanted.size() != 3 || found.size() != 3 || found[0] != 1 || wanted[0] != 1 ||
        found[2] != wanted[2])
        return false;
    const auto tokens = tokens_before_patches(graph, parameter.name);
    return tokens && side_of(found[1] - *tokens) > 0 && side_of(wanted[1] - *tokens) > 0;
}

at::Tensor resample_position(const Graph& graph, const ParameterSpec& parameter,
                             const at::Tensor& embedding) {
    AOCQ_EXPECT(can_resample_position(graph, parameter, embedding.sizes().vec()));
    const std::int64_t tokens = *tokens_before_patches(graph, parameter.name);
    const std::int64_t from = side_of(embedding.size(1) - tokens),
                       to = side_of(parameter.shape[1] - tokens);
    const at::Tensor grid =
        embedding.slice(1, tokens).reshape({1, from, from, -1}).permute({0, 3, 1, 2});
    const at::Tensor resampled = at::_upsample_bicubic2d_aa(grid, {to, to}, false)
                                     .permute({0, 2, 3, 1})
                                     .reshape({1, to * to, -1});
    return at::cat({embedding.slice(1, 0, tokens), resampled}, 1);
}

}  // namespace aocq::nn
