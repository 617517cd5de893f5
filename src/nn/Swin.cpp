// SPDX-License-Identifier: Apache-2.0
#include "nn/Swin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/GraphBuilder.hpp"

namespace aocq::nn {
namespace {

struct BlockShape {
    std::int64_t width, heads, hidden, window, shift;
    double epsilon;
};

ValueId scores_of(GraphBuilder& g, const std::string& name, ValueId query, ValueId key,
                  ValueId block_input, const BlockShape& s) {
    const double factor = 1.0 / std::sqrt(static_cast<double>(s.width / s.heads));
    const ValueId scores =
        g.add(name + ".scores", Matmul{true, factor}, {query, key}, Role::attention_scores);
    const std::string table = name + ".relative_position_bias_table";
    g.parameter(table, {(2 * s.window - 1) * (2 * s.window - 1), s.heads});
    const ValueId biased = g.add(name + ".bias", RelativePositionBias{table, s.window}, {scores});
    if (s.shift == 0) return biased;
    return g.add(name + ".mask", ShiftMask{s.window, s.shift}, {biased, block_input});
}

// Attention within the windows of the map x; `block_input` has the map's size.
ValueId window_attention(GraphBuilder& g, const std::string& name, ValueId x, ValueId block_input,
                         const BlockShape& s) {
    if (s.shift > 0) x = g.add(name + ".shift", Roll{-s.shift}, {x});
    const ValueId windows = g.add(name + ".partition", WindowPartition{s.window}, {x});
    const ValueId qkv = g.linear(name + ".qkv", windows, s.width, 3 * s.width);
    const ValueId query = g.add(name + ".query", SplitHeads{s.heads, 3, 0}, {qkv});
    const ValueId key = g.add(name + ".key", SplitHeads{s.heads, 3, 1}, {qkv});
    const ValueId value = g.add(name + ".value", SplitHeads{s.heads, 3, 2}, {qkv});
    const ValueId scores = scores_of(g, name, query, key, block_input, s);
    const ValueId probability = g.add(name + ".softmax", Softmax{}, {scores});
    const ValueId context =
        g.add(name + ".context", Matmul{false, 1.0}, {probability, value}, Role::attention_context);
    const ValueId merged = g.add(name + ".merge", MergeHeads{}, {context});
    const ValueId projected = g.linear(name + ".proj", merged, s.width, s.width);
    const ValueId map = g.add(name + ".reverse", WindowReverse{s.window}, {projected, block_input});
    return s.shift > 0 ? g.add(name + ".unshift", Roll{s.shift}, {map}) : map;
}

ValueId mlp(GraphBuilder& g, const std::string& name, ValueId x, const BlockShape& s) {
    const ValueId expanded = g.linear(name + ".fc1", x, s.width, s.hidden);
    const ValueId active = g.add(name + ".gelu", Gelu{}, {expanded});
    return g.linear(name + ".fc2", active, s.hidden, s.width);
}

ValueId swin_block(GraphBuilder& g, const std::string& name, ValueId x, const BlockShape& s) {
    g.begin_block(name);
    const ValueId attended = window_attention(
        g, name + ".attn", g.layer_norm(name + ".norm1", x, s.width, s.epsilon), x, s);
    const ValueId middle = g.add(name + ".residual1", Add{}, {x, attended});
    const ValueId transformed =
        mlp(g, name + ".mlp", g.layer_norm(name + ".norm2", middle, s.width, s.epsilon), s);
    const ValueId out = g.add(name + ".residual2", Add{}, {middle, transformed});
    g.end_block();
    return out;
}

// A block of its own, so that block-wise work reaches its linear layer too.
ValueId patch_merging(GraphBuilder& g, const std::string& name, ValueId x, std::int64_t width,
                      double epsilon) {
    g.begin_block(name);
    const ValueId gathered = g.add(name + ".gather", MergePatches{}, {x});
    const ValueId normed = g.layer_norm(name + ".norm", gathered, 4 * width, epsilon);
    const ValueId out =
        g.linear(name + ".reduction", normed, 4 * width, 2 * width, Role::linear, false);
    g.end_block();
    return out;
}

std::vector<std::int64_t> counts(Fields& fields, const char* key) {
    const std::vector<std::int64_t> all = fields.integers(key, 1, 1024);
    if (all.empty() || all.size() > 8)
        fields.fail(key, Error::config("a list with one number per stage is needed")
                             .found(fmt::format("{} numbers", all.size()))
                             .wanted("1..8 numbers"));
    return all;
}

}  // namespace

SwinShape swin_shape_from(Fields& fields) {
    SwinShape shape;
    shape.image_size = fields.integer("image_size", 1, 4096);
    shape.patch_size = fields.integer("patch_size", 1, 1024);
    shape.window = fields.integer("window", 1, 256);
    shape.width = fields.integer("width", 1, 1 << 14);
    shape.depths = counts(fields, "depths");
    shape.heads = counts(fields, "heads");
    shape.mlp_ratio = fields.number("mlp_ratio", 0.1, 64.0, 4.0);
    shape.classes = fields.integer("classes", 1, 1 << 20);
    shape.epsilon = fields.number("epsilon", 0.0, 1.0, 1e-5);
    if (shape.image_size % shape.patch_size != 0) {
        fields.fail("patch_size",
                    Error::config("the image is no whole number of patches")
                        .found(fmt::format("{} / {}", shape.image_size, shape.patch_size)));
    }
    if (shape.heads.size() != shape.depths.size()) {
        fields.fail("heads", Error::config("every stage needs its number of heads")
                                 .found(fmt::format("{} numbers", shape.heads.size()))
                                 .wanted(fmt::format("{}, as in depths", shape.depths.size())));
    }
    for (std::size_t i = 0; i < shape.heads.size(); ++i) {
        if (const std::int64_t width = shape.width << i; width % shape.heads[i] != 0) {
            fields.fail(fmt::format("heads[{}]", i),
                        Error::config("a stage's width is no multiple of its heads")
                            .found(fmt::format("{} / {}", width, shape.heads[i])));
        }
    }
    if (((shape.image_size / shape.patch_size) >> (shape.depths.size() - 1)) == 0) {
        fields.fail("depths", Error::config("the map is too small for so many stages")
                                  .found(fmt::format("{} places on a side, {} stages",
                                                     shape.image_size / shape.patch_size,
                                                     shape.depths.size())));
    }
    return shape;
}

Json to_json(const SwinShape& s) {
    return {{"image_size", s.image_size}, {"patch_size", s.patch_size}, {"window", s.window},
            {"width", s.width},           {"depths", s.depths},         {"heads", s.heads},
            {"mlp_ratio", s.mlp_ratio},   {"classes", s.classes},       {"epsilon", s.epsilon}};
}

std::map<std::string, std::string> original_swin_names(const SwinShape& shape) {
    const Graph graph = build_swin(shape);
    std::map<std::string, std::string> names;
    for (const auto& parameter : graph.parameters()) {
        std::string name = parameter.name;
        for (std::size_t stage = 1; stage < shape.depths.size(); ++stage) {
            const std::string ours = fmt::format("layers.{}.downsample.", stage);
            if (parameter.name.starts_with(ours)) {
                name = fmt::format("layers.{}.downsample.{}", stage - 1,
                                   parameter.name.substr(ours.size()));
            }
        }
        if (name.starts_with("head.fc.")) name.erase(5, 3);
        names.emplace(parameter.name, std::move(name));
    }
    return names;
}

Graph build_swin(const SwinShape& s) {
    GraphBuilder g("image");
    const ValueId pixels =
        g.patch_convolution("patch_embed.proj", g.input(), 3, s.width, s.patch_size);
    ValueId x = g.add("patch_embed.map", ChannelsLast{}, {pixels});
    x = g.layer_norm("patch_embed.norm", x, s.width, s.epsilon);
    std::int64_t width = s.width;
    for (std::size_t stage = 0; stage < s.depths.size(); ++stage) {
        const std::string name = fmt::format("layers.{}", stage);
        if (stage > 0) {
            x = patch_merging(g, name + ".downsample", x, width, s.epsilon);
            width *= 2;
        }
        // A window that covers the map has the map's size and nothing to shift.
        const std::int64_t side = (s.image_size / s.patch_size) >> stage;
        const std::int64_t window = std::min(s.window, side);
        const std::int64_t shift = side <= s.window ? 0 : window / 2;
        const auto hidden = static_cast<std::int64_t>(static_cast<double>(width) * s.mlp_ratio);
        for (std::int64_t i = 0; i < s.depths[stage]; ++i) {
            x = swin_block(
                g, fmt::format("{}.blocks.{}", name, i), x,
                {width, s.heads[stage], hidden, window, i % 2 == 1 ? shift : 0, s.epsilon});
        }
    }
    x = g.layer_norm("norm", x, width, s.epsilon);
    const ValueId pooled = g.add("pool", MeanTokens{}, {x});
    return g.finish(g.linear("head.fc", pooled, width, s.classes, Role::head));
}

}  // namespace aocq::nn
