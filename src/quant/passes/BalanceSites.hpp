// SPDX-License-Identifier: Apache-2.0
// Where in a block a per-channel scale and shift can be put in without changing the float function
// (METHODS 0.4(A)), found on the graph: no family is named here.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "core/EnumTable.hpp"
#include "quant/Pass.hpp"

namespace aocq::quant {

enum class BalanceKind {
    norm,        // LayerNorm -> linear layers: into the norm's gain and bias
    value,       // value part of a projection -> attention average -> linear layer
    activation,  // activation -> linear layer: an explicit vector after the activation
    scores,      // query and key of an attention product, scaled against each other
};
inline constexpr EnumTable<BalanceKind, 4> balance_kinds{{{
    {BalanceKind::norm, "norm"},
    {BalanceKind::value, "value"},
    {BalanceKind::activation, "activation"},
    {BalanceKind::scores, "scores"},
}}};

struct BalanceSite {
    BalanceKind kind;
    std::size_t producer;                // the norm, activation or projection
    std::vector<std::size_t> consumers;  // linear layers; the attention product for `scores`
    // The part of the projection's outputs that is scaled (value; query for `scores`) and its
    // number of channels; `other` is the key's part.
    std::int64_t part = 0, other = 0, channels = 0;
    std::int64_t heads = 0;
    // > 0: on its way to the consumers the map is cut into windows of this size and, where it is no
    // multiple of it, padded with zeros. A scale passes (0 / scale is 0), a shift does not.
    std::int64_t window = 0;
};

// In execution order.
std::vector<BalanceSite> find_balance_sites(const PassContext& context, std::size_t block);

// True where the map [B, H, W, C] that the producer makes needs no padding: a shift is exact then.
bool fits_windows(const BalanceSite& site, const at::Tensor& map);

// x' = (x - shift) / scale, both [C] f32. The function of the float model stays the same: the
// producer makes x', the consumers get weight * scale and bias + weight shift.
struct Balance {
    at::Tensor scale, shift;
};

// Folds into model.balanced (and model.edits where a place is missing).
void fold(const PassContext& context, const BalanceSite& site, const Balance& balance,
          QuantizedModel& model);

// Query channels are divided by `scale` and key channels, after `shift` is taken from them (the
// softmax does not see it), multiplied by it. Both [heads * D] f32.
void fold_scores(const PassContext& context, const BalanceSite& site, const Balance& balance,
                 QuantizedModel& model);

}  // namespace aocq::quant
