// SPDX-License-Identifier: Apache-2.0
#include "nn/Vit.hpp"

#include <fmt/format.h>

#include <cmath>

#include "nn/GraphBuilder.hpp"

namespace aocq::nn {
namespace {

ValueId attention(GraphBuilder& g, const std::string& name, ValueId x, const VitShape& s) {
    const double factor = 1.0 / std::sqrt(static_cast<double>(s.width / s.heads));
    const ValueId qkv = g.linear(name + ".qkv", x, s.width, 3 * s.width);
    const ValueId query = g.add(name + ".query", SplitHeads{s.heads, 3, 0}, {qkv});
    const ValueId key = g.add(name + ".key", SplitHeads{s.heads, 3, 1}, {qkv});
    const ValueId value = g.add(name + ".value", SplitHeads{s.heads, 3, 2}, {qkv});
    const ValueId scores =
        g.add(name + ".scores", Matmul{true, factor}, {query, key}, Role::attention_scores);
    const ValueId probability = g.add(name + ".softmax", Softmax{}, {scores});
    const ValueId context =
        g.add(name + ".context", Matmul{false, 1.0}, {probability, value}, Role::attention_context);
    const ValueId merged = g.add(name + ".merge", MergeHeads{}, {context});
    return g.linear(name + ".proj", merged, s.width, s.width);
}

ValueId mlp(GraphBuilder& g, const std::string& name, ValueId x, const VitShape& s) {
    const auto hidden = static_cast<std::int64_t>(static_cast<double>(s.width) * s.mlp_ratio);
    const ValueId expanded = g.linear(name + ".fc1", x, s.width, hidden);
    const ValueId active = g.add(name + ".gelu", Gelu{}, {expanded});
    return g.linear(name + ".fc2", active, hidden, s.width);
}

ValueId encoder_block(GraphBuilder& g, const std::string& name, ValueId x, const VitShape& s) {
    g.begin_block(name);
    const ValueId attended =
        attention(g, name + ".attn", g.layer_norm(name + ".norm1", x, s.width, s.epsilon), s);
    const ValueId middle = g.add(name + ".residual1", Add{}, {x, attended});
    const ValueId transformed =
        mlp(g, name + ".mlp", g.layer_norm(name + ".norm2", middle, s.width, s.epsilon), s);
    const ValueId out = g.add(name + ".residual2", Add{}, {middle, transformed});
    g.end_block();
    return out;
}

ValueId classifier(GraphBuilder& g, ValueId x, const VitShape& s) {
    const ValueId token = g.add("class_token", SelectToken{0}, {x});
    const ValueId logits = g.linear("head", token, s.width, s.classes, Role::head);
    if (!s.distilled) return logits;
    const ValueId distilled = g.add("distilled_token", SelectToken{1}, {x});
    const ValueId second = g.linear("head_dist", distilled, s.width, s.classes, Role::head);
    return g.add("heads_average", Average{}, {logits, second});
}

}  // namespace

VitShape vit_shape_from(Fields& fields) {
    VitShape shape;
    shape.image_size = fields.integer("image_size", 1, 4096);
    shape.patch_size = fields.integer("patch_size", 1, 1024);
    shape.width = fields.integer("width", 1, 1 << 16);
    shape.depth = fields.integer("depth", 1, 1024);
    shape.heads = fields.integer("heads", 1, 1024);
    shape.mlp_ratio = fields.number("mlp_ratio", 0.1, 64.0, 4.0);
    shape.classes = fields.integer("classes", 1, 1 << 20);
    shape.distilled = fields.flag("distilled", false);
    shape.epsilon = fields.number("epsilon", 0.0, 1.0, 1e-6);
    if (shape.image_size % shape.patch_size != 0) {
        fields.fail("patch_size",
                    Error::config("the image is no whole number of patches")
                        .found(fmt::format("{} / {}", shape.image_size, shape.patch_size)));
    }
    if (shape.width % shape.heads != 0) {
        fields.fail("heads", Error::config("the width is no multiple of the heads")
                                 .found(fmt::format("{} / {}", shape.width, shape.heads)));
    }
    return shape;
}

Json to_json(const VitShape& s) {
    return {{"image_size", s.image_size}, {"patch_size", s.patch_size}, {"width", s.width},
            {"depth", s.depth},           {"heads", s.heads},           {"mlp_ratio", s.mlp_ratio},
            {"classes", s.classes},       {"distilled", s.distilled},   {"epsilon", s.epsilon}};
}

Graph build_vit(const VitShape& s) {
    GraphBuilder g("image");
    const std::int64_t tokens = s.distilled ? 2 : 1;
    const ValueId map =
        g.patch_convolution("patch_embed.proj", g.input(), 3, s.width, s.patch_size);
    const ValueId patches = g.add("patch_embed.flatten", FlattenPatches{}, {map});
    std::vector<std::string> learned{"cls_token"};
    if (s.distilled) learned.emplace_back("dist_token");
    for (const auto& token : learned) g.parameter(token, {1, 1, s.width});
    const ValueId sequence = g.add("tokens", PrependTokens{learned}, {patches});
    g.parameter("pos_embed", {1, tokens + s.patches(), s.width});
    ValueId x = g.add("position", AddParameter{"pos_embed"}, {sequence});
    for (std::int64_t i = 0; i < s.depth; ++i)
        x = encoder_block(g, fmt::format("blocks.{}", i), x, s);
    x = g.layer_norm("norm", x, s.width, s.epsilon);
    return g.finish(classifier(g, x, s));
}

}  // namespace aocq::nn
