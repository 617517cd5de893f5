// SPDX-License-Identifier: Apache-2.0
#include "quant/PatchSimilarity.hpp"

#include <cmath>
#include <numbers>
#include <variant>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr double bandwidth = 0.01;
// Added to the density: its logarithm, and the gradient, stay finite between similarities.
constexpr double least_density = 1e-4;
constexpr double smallest_norm = 1e-8;

}  // namespace

at::Tensor patch_similarities(const at::Tensor& context, std::int64_t images, std::int64_t skip) {
    AOCQ_EXPECT(context.dim() == 4 && context.size(0) % images == 0 && context.size(2) > skip);
    const at::Tensor patches = context.mean(1).slice(1, skip);  // [images * windows, P, D]
    const at::Tensor length = patches.norm(2, -1, /*keepdim=*/true).clamp_min(smallest_norm);
    const at::Tensor directions = patches / length;
    return at::matmul(directions, directions.transpose(1, 2)).reshape({images, -1});
}

at::Tensor density_points(const at::Tensor& similarities, std::int64_t count) {
    const at::Tensor rows = similarities.detach();
    const at::Tensor low = rows.amin(1, /*keepdim=*/true), high = rows.amax(1, /*keepdim=*/true);
    return low + (high - low) * at::linspace(0, 1, count, rows.options());
}

at::Tensor density_entropy(const at::Tensor& similarities, const at::Tensor& points) {
    const double height = 1 / (bandwidth * std::sqrt(2 * std::numbers::pi));
    const at::Tensor distance =
        (points.unsqueeze(2) - similarities.unsqueeze(1)) * (1 / bandwidth);  // [B, points, M]
    const at::Tensor density = (distance.square() * -0.5).exp().mean(-1) * height + least_density;
    const at::Tensor share = -density * density.log();
    const std::int64_t last = points.size(1) - 1;
    const at::Tensor width = points.slice(1, 1) - points.slice(1, 0, last);
    return ((share.slice(1, 1) + share.slice(1, 0, last)) * width * 0.5).sum(-1);
}

PatchSimilarity::PatchSimilarity(const nn::Graph& graph) {
    for (const nn::Node& node : graph.nodes()) {
        if (node.role == nn::Role::attention_context) taps_.push_back(node.output);
        if (const auto* tokens = std::get_if<nn::PrependTokens>(&node.op))
            learned_tokens_ += static_cast<std::int64_t>(tokens->tokens.size());
    }
    AOCQ_EXPECT(!taps_.empty());
}

at::Tensor PatchSimilarity::entropy(const nn::Values& values, std::int64_t images) const {
    at::Tensor sum;
    for (const nn::ValueId tap : taps_) {
        const at::Tensor rows = patch_similarities(values.at(tap), images, learned_tokens_);
        const at::Tensor one = density_entropy(rows, density_points(rows));
        sum = sum.defined() ? sum + one : one;
    }
    return sum;
}

}  // namespace aocq::quant
