// SPDX-License-Identifier: Apache-2.0
// A site is one place where a tensor may be quantized: an operand or the weight of a node, on the
// consumer's side, or what a node leaves, on the producer's side (DESIGN §3.3). Names are stable:
// "blocks.3.mlp.fc2:input", "...:weight", "blocks.3.attn.scores:lhs", "blocks.3.residual1:output".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/EnumTable.hpp"
#include "nn/Executor.hpp"
#include "nn/Graph.hpp"

namespace aocq::quant {

enum class SiteKind {
    patch_input,
    patch_weight,
    linear_input,
    linear_weight,
    head_input,
    head_weight,
    attention_query,
    attention_key,
    attention_probability,
    attention_value,
    // What leaves a node: float unless a rule says `quantize = true`.
    patch_output,     // of the patch embedding
    embedding,        // with tokens or positions, before the value that enters the first block
    residual,         // what enters a block and every sum of the residual stream
    linear_output,    // of qkv, proj, fc1, fc2
    attention_score,  // products of queries and keys times the factor; again behind a position bias
    head_output,      // the logits
};

inline constexpr EnumTable<SiteKind, 16> site_kinds{{{
    {SiteKind::patch_input, "patch.input"},
    {SiteKind::patch_weight, "patch.weight"},
    {SiteKind::linear_input, "linear.input"},
    {SiteKind::linear_weight, "linear.weight"},
    {SiteKind::head_input, "head.input"},
    {SiteKind::head_weight, "head.weight"},
    {SiteKind::attention_query, "attention.query"},
    {SiteKind::attention_key, "attention.key"},
    {SiteKind::attention_probability, "attention.probability"},
    {SiteKind::attention_value, "attention.value"},
    {SiteKind::patch_output, "patch.output"},
    {SiteKind::embedding, "embedding"},
    {SiteKind::residual, "residual"},
    {SiteKind::linear_output, "linear.output"},
    {SiteKind::attention_score, "attention.score"},
    {SiteKind::head_output, "head.output"},
}}};

// Where attention probabilities come from.
struct SoftmaxSource {
    std::size_t node;    // the softmax
    std::string scores;  // the site of its scores, before a mask
};

struct Site {
    std::string name;
    SiteKind kind;
    std::size_t node;  // index in the graph
    nn::Operand operand;
    std::string parameter;                      // the weight's name; "" for an activation
    std::optional<SoftmaxSource> softmax = {};  // of attention.probability

    bool is_weight() const { return operand == nn::Operand::weight; }
    bool is_output() const { return operand == nn::Operand::result; }
};

// In execution order; a node's operands before its weight, its output last.
std::vector<Site> list_sites(const nn::Graph& graph);

}  // namespace aocq::quant
