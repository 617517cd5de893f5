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

// x + branch, the branch scaled per channel where the shape has layer scale.
ValueId residual(GraphBuilder& g, const std::string& block, const char* which, ValueId x,
                 ValueId branch, const VitShape& s) {
    if (s.layer_scale) {
        const std::string scale = fmt::format("{}.ls{}", block, which);
        g.parameter(scale + ".gamma", {s.width});
        branch = g.add(scale, ScaleChannels{scale + ".gamma"}, {branch});
    }
    return g.add(fmt::format("{}.residual{}", block, which), Add{}, {x, branch});
}

ValueId encoder_block(GraphBuilder& g, const std::string& name, ValueId x, const VitShape& s) {
    g.begin_block(name);
    const ValueId attended =
        attention(g, name + ".attn", g.layer_norm(name + ".norm1", x, s.width, s.epsilon), s);
    const ValueId middle = residual(g, name, "1", x, attended, s);
    const ValueId transformed =
        mlp(g, name + ".mlp", g.layer_norm(name + ".norm2", middle, s.width, s.epsilon), s);
    const ValueId out = residual(g, name, "2", middle, transformed, s);
    g.end_block();
    return out;
}

// [B, 3, S, S] -> [B, tokens + patches, width]
ValueId embedding(GraphBuilder& g, const VitShape& s) {
    const ValueId map =
        g.patch_convolution("patch_embed.proj", g.input(), 3, s.width, s.patch_size);
    ValueId x = g.add("patch_embed.flatten", FlattenPatches{}, {map});
    std::vector<std::string> learned;
    if (s.class_token) learned.emplace_back("cls_token");
    if (s.distilled) learned.emplace_back("dist_token");
    for (const auto& token : learned) g.parameter(token, {1, 1, s.width});
    const auto prepend = [&] {
        if (!learned.empty()) x = g.add("tokens", PrependTokens{learned}, {x});
    };
    if (s.token_position) prepend();
    const std::int64_t tokens = s.token_position ? s.learned_tokens() : 0;
    g.parameter("pos_embed", {1, tokens + s.patches(), s.width});
    x = g.add("position", AddParameter{"pos_embed"}, {x});
    if (!s.token_position) prepend();
    return x;
}

ValueId pooled(GraphBuilder& g, ValueId x, const VitShape& s) {
    if (!s.norm_after_pooling) x = g.layer_norm("norm", x, s.width, s.epsilon);
    x = s.pooling == Pooling::average ? g.add("pool", MeanTokens{s.learned_tokens()}, {x})
                                      : g.add("class_token", SelectToken{0}, {x});
    return s.norm_after_pooling ? g.layer_norm("fc_norm", x, s.width, s.epsilon) : x;
}

ValueId classifier(GraphBuilder& g, ValueId x, const VitShape& s) {
    std::int64_t width = s.width;
    if (s.pre_logits > 0) {
        x = g.add("pre_logits.act", Tanh{}, {g.linear("pre_logits.fc", x, s.width, s.pre_logits)});
        width = s.pre_logits;
    }
    return g.linear("head", x, width, s.classes, Role::head);
}

// Both heads read the normalised tokens.
ValueId distilled_classifier(GraphBuilder& g, ValueId x, const VitShape& s) {
    x = g.layer_norm("norm", x, s.width, s.epsilon);
    const ValueId token = g.add("class_token", SelectToken{0}, {x});
    const ValueId logits = g.linear("head", token, s.width, s.classes, Role::head);
    const ValueId distilled = g.add("distilled_token", SelectToken{1}, {x});
    const ValueId second = g.linear("head_dist", distilled, s.width, s.classes, Role::head);
    return g.add("heads_average", Average{}, {logits, second});
}

void refuse_contradictions(const Fields& fields, const VitShape& s) {
    if (s.image_size % s.patch_size != 0) {
        fields.fail("patch_size", Error::config("the image is no whole number of patches")
                                      .found(fmt::format("{} / {}", s.image_size, s.patch_size)));
    }
    if (s.width % s.heads != 0) {
        fields.fail("heads", Error::config("the width is no multiple of the heads")
                                 .found(fmt::format("{} / {}", s.width, s.heads)));
    }
    if (s.pooling == Pooling::token && !s.class_token) {
        fields.fail(
            "class_token",
            Error::config("there is no class token to pool").advise("set pooling = \"average\""));
    }
    if (s.distilled && (s.pooling != Pooling::token || s.norm_after_pooling || s.pre_logits > 0)) {
        fields.fail("distilled",
                    Error::config("a distilled model has two heads on two normalised tokens")
                        .advise("leave out pooling, norm_after_pooling and pre_logits"));
    }
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
    shape.class_token = fields.flag("class_token", true);
    shape.token_position = fields.flag("token_position", true);
    shape.layer_scale = fields.flag("layer_scale", false);
    shape.pooling = fields.choice<Pooling>("pooling", poolings, Pooling::token);
    shape.norm_after_pooling = fields.flag("norm_after_pooling", shape.pooling == Pooling::average);
    shape.pre_logits = fields.integer("pre_logits", 0, 1 << 16, 0);
    shape.epsilon = fields.number("epsilon", 0.0, 1.0, 1e-6);
    refuse_contradictions(fields, shape);
    return shape;
}

Json to_json(const VitShape& s) {
    return {{"image_size", s.image_size},
            {"patch_size", s.patch_size},
            {"width", s.width},
            {"depth", s.depth},
            {"heads", s.heads},
            {"mlp_ratio", s.mlp_ratio},
            {"classes", s.classes},
            {"distilled", s.distilled},
            {"class_token", s.class_token},
            {"token_position", s.token_position},
            {"layer_scale", s.layer_scale},
            {"pooling", poolings.name(s.pooling)},
            {"norm_after_pooling", s.norm_after_pooling},
            {"pre_logits", s.pre_logits},
            {"epsilon", s.epsilon}};
}

std::map<std::string, std::string> original_vit_names(const VitShape& shape) {
    if (!shape.layer_scale) return {};
    const Graph graph = build_vit(shape);
    std::map<std::string, std::string> names;
    for (const auto& parameter : graph.parameters()) names[parameter.name] = parameter.name;
    for (std::int64_t i = 0; i < shape.depth; ++i) {
        for (const int which : {1, 2})
            names[fmt::format("blocks.{}.ls{}.gamma", i, which)] =
                fmt::format("blocks.{}.gamma_{}", i, which);
    }
    return names;
}

Graph build_vit(const VitShape& s) {
    GraphBuilder g("image");
    ValueId x = embedding(g, s);
    for (std::int64_t i = 0; i < s.depth; ++i)
        x = encoder_block(g, fmt::format("blocks.{}", i), x, s);
    return g.finish(s.distilled ? distilled_classifier(g, x, s)
                                : classifier(g, pooled(g, x, s), s));
}

}  // namespace aocq::nn
