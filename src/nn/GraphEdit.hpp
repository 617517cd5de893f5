// SPDX-License-Identifier: Apache-2.0
// Places that a function-preserving rewrite needs and that the family's builder does not put in: a
// per-channel shift and scale after an activation, a bias where a linear layer has none. With
// their neutral values (shift 0, scale 1, bias 0) an edited graph computes what it did before.
// Nodes keep their places and names, so sites do too.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/EnumTable.hpp"
#include "nn/Executor.hpp"
#include "nn/Graph.hpp"

namespace aocq::nn {

enum class EditKind {
    balance,  // Gelu: "<node>.balance_shift", "<node>.balance_scale" [channels]
    bias,     // Linear: "<node>.bias" [outputs]
};
inline constexpr EnumTable<EditKind, 2> edit_kinds{{{
    {EditKind::balance, "balance"},
    {EditKind::bias, "bias"},
}}};

struct GraphEdit {
    EditKind kind;
    std::string node;
    std::int64_t channels;
    bool operator==(const GraphEdit&) const = default;
};

// Error(input) where an edit does not fit the graph (artefacts are files).
Graph edited(const Graph& graph, std::span<const GraphEdit> edits);

// The parameters that the edits add, at their neutral values.
Parameters neutral_parameters(std::span<const GraphEdit> edits);

}  // namespace aocq::nn
