// SPDX-License-Identifier: Apache-2.0
// A site is one place where a tensor may be quantized: an operand or the weight of a node, on the
// consumer's side (DESIGN §3.3). Names are stable: "blocks.3.mlp.fc2:input", "...:weight",
// "blocks.3.attn.scores:lhs".
#pragma once

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
};

inline constexpr EnumTable<SiteKind, 10> site_kinds{{{
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
}}};

struct Site {
    std::string name;
    SiteKind kind;
    std::size_t node;  // index in the graph
    nn::Operand operand;
    std::string parameter;  // the weight's name; "" for an activation

    bool is_weight() const { return operand == nn::Operand::weight; }
};

// In execution order; a node's operands before its weight.
std::vector<Site> list_sites(const nn::Graph& graph);

}  // namespace aocq::quant
