// SPDX-License-Identifier: Apache-2.0
#include "nn/Outliers.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "core/Random.hpp"

namespace aocq::nn {
namespace {

// Powers of two: the rewrite is exact in float32.
double draw_factor(RandomStream& stream, const OutlierOptions& options) {
    const double exponent =
        stream.uniform(std::log2(options.largest / 4), std::log2(options.largest));
    return std::exp2(std::round(exponent));
}

// [width] f32: one everywhere but at a few channels.
at::Tensor draw_factors(RandomKey key, std::int64_t width, const OutlierOptions& options) {
    at::Tensor factors = at::ones({width});
    RandomStream stream(key);
    for (int i = 0; i < options.channels; ++i) {
        const auto channel =
            static_cast<std::int64_t>(stream.below(static_cast<std::uint32_t>(width)));
        factors[channel] = draw_factor(stream, options);
    }
    return factors;
}

void scale_norm(Parameters& p, const std::string& norm, const std::string& consumer,
                const at::Tensor& factors) {
    p.at(norm + ".weight").mul_(factors);
    p.at(norm + ".bias").mul_(factors);
    p.at(consumer + ".weight").div_(factors.unsqueeze(0));
}

// Two copies of a scaled hidden channel whose contributions cancel.
void add_pair(Parameters& p, const std::string& mlp, RandomStream& stream,
              const OutlierOptions& options) {
    at::Tensor &rows = p.at(mlp + ".fc1.weight"), &biases = p.at(mlp + ".fc1.bias"),
               &columns = p.at(mlp + ".fc2.weight");
    const auto source =
        static_cast<std::int64_t>(stream.below(static_cast<std::uint32_t>(rows.size(0))));
    const double factor = draw_factor(stream, options);
    const at::Tensor row = rows.slice(0, source, source + 1) * factor;
    const at::Tensor bias = biases.slice(0, source, source + 1) * factor;
    const at::Tensor column = columns.slice(1, source, source + 1);
    rows = at::cat({rows, row, row}, 0);
    biases = at::cat({biases, bias, bias}, 0);
    columns = at::cat({columns, column, -column}, 1).contiguous();
}

std::int64_t hidden_width(const VitShape& shape) {
    return static_cast<std::int64_t>(static_cast<double>(shape.width) * shape.mlp_ratio);
}

}  // namespace

VitShape shape_before_outliers(const VitShape& shape, const OutlierOptions& options) {
    VitShape before = shape;
    // Half a channel above the whole number, so that the product is not rounded below it.
    before.mlp_ratio = (static_cast<double>(hidden_width(shape) - 2 * options.pairs) + 0.5) /
                       static_cast<double>(shape.width);
    return before;
}

Parameters with_outliers(const VitShape& shape, const Parameters& parameters,
                         const OutlierOptions& options) {
    Parameters changed;
    for (const auto& [name, tensor] : parameters) changed.emplace(name, tensor.detach().clone());
    const RandomKey key = RandomKey(options.seed).child("outliers");
    for (std::int64_t i = 0; i < shape.depth; ++i) {
        const std::string block = fmt::format("blocks.{}", i);
        const auto factors = [&](const char* site) {
            return draw_factors(key.child(block + site), shape.width, options);
        };
        scale_norm(changed, block + ".norm1", block + ".attn.qkv", factors("norm1"));
        scale_norm(changed, block + ".norm2", block + ".mlp.fc1", factors("norm2"));
        // Value channels: the attention average is linear, so their scale passes through to proj.
        const at::Tensor value = factors("value");
        changed.at(block + ".attn.qkv.weight").slice(0, 2 * shape.width).mul_(value.unsqueeze(1));
        changed.at(block + ".attn.qkv.bias").slice(0, 2 * shape.width).mul_(value);
        changed.at(block + ".attn.proj.weight").div_(value.unsqueeze(0));
        RandomStream stream(key.child(block + "pairs"));
        for (int pair = 0; pair < options.pairs; ++pair)
            add_pair(changed, block + ".mlp", stream, options);
    }
    return changed;
}

}  // namespace aocq::nn
