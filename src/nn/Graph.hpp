// SPDX-License-Identifier: Apache-2.0
// A model is data: typed nodes in execution order, named parameters, named values and block ranges
// (DESIGN §3.1). Everything generic (quantization sites, folding, accounting, block-wise work)
// reads this and no model's code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/Json.hpp"

namespace aocq::nn {

using ValueId = std::int32_t;

// [B, C, H, W] -> [B, O, H/stride, W/stride]; kernel = stride, no padding.
struct PatchConvolution {
    std::string weight, bias;
    std::int64_t stride;
};
struct FlattenPatches {};  // [B, C, h, w] -> [B, h*w, C]
// [B, N, C] -> [B, T + N, C]: learned tokens [1, 1, C] in front, in this order.
struct PrependTokens {
    std::vector<std::string> tokens;
};
struct AddParameter {  // x + parameter, broadcast over the batch
    std::string parameter;
};
struct ScaleChannels {  // x * parameter [C] along the last axis: layer scale
    std::string parameter;
};
struct LayerNorm {  // over the last axis
    std::string weight, bias;
    double epsilon;
};
struct Linear {  // [.., I] -> [.., O]; weight [O, I]; bias may be ""
    std::string weight, bias;
};
// [B, N, parts*heads*D] -> [B, heads, N, D], the given part.
struct SplitHeads {
    std::int64_t heads, parts, part;
};
struct MergeHeads {};  // [B, H, N, D] -> [B, N, H*D]
struct Matmul {        // lhs @ rhs (or rhs transposed in its last two axes), times factor
    bool transpose_rhs;
    double factor;
};
struct Softmax {};  // over the last axis
// erf form; with the names of two parameters [C]: (gelu(x) - shift) / scale, the per-channel
// requantization multiplier of an integer epilogue (GraphEdit.hpp).
struct Gelu {
    std::string shift = {}, scale = {};
};
struct Tanh {};
struct Add {};        // two inputs
struct Average {};    // (a + b) / 2: the two heads of a distilled DeiT
struct SelectToken {  // [B, N, C] -> [B, C]
    std::int64_t index;
};

// Shifted windows on maps [B, H, W, C] (nn/Windows.hpp). N = window^2 places; an image's windows
// follow each other on the leading axis.
struct ChannelsLast {};  // [B, C, H, W] -> [B, H, W, C]
struct Roll {            // cyclic, by `shift` places down and right
    std::int64_t shift;
};
struct WindowPartition {  // [B, H, W, C] -> [B*windows, N, C]
    std::int64_t window;
};
// [B*windows, N, C] -> [B, H, W, C]; the second input is a map of the wanted size.
struct WindowReverse {
    std::int64_t window;
};
// [B*windows, heads, N, N] + bias [heads, N, N] from a table [(2*window - 1)^2, heads].
struct RelativePositionBias {
    std::string table;
    std::int64_t window;
};
// Scores of a shifted map: places that are no neighbours in the image do not see each other. The
// second input is a map of the size that was cut into windows.
struct ShiftMask {
    std::int64_t window, shift;
};
struct MergePatches {};  // [B, H, W, C] -> [B, H/2, W/2, 4*C]
// [B, .., C] -> [B, C], without the first `skip` places (learned tokens).
struct MeanTokens {
    std::int64_t skip = 0;
};

using Op = std::variant<PatchConvolution, FlattenPatches, PrependTokens, AddParameter,
                        ScaleChannels, LayerNorm, Linear, SplitHeads, MergeHeads, Matmul, Softmax,
                        Gelu, Tanh, Add, Average, SelectToken, ChannelsLast, Roll, WindowPartition,
                        WindowReverse, RelativePositionBias, ShiftMask, MergePatches, MeanTokens>;

std::string_view op_name(const Op& op);

// What a node is for; gives its quantization sites their kind (DESIGN §3.3).
enum class Role { none, patch, linear, head, attention_scores, attention_context };

struct Node {
    std::string name;
    Op op;
    std::vector<ValueId> inputs;
    ValueId output;
    Role role = Role::none;
};

struct ParameterSpec {
    std::string name;
    std::vector<std::int64_t> shape;
};

struct Block {  // nodes [first, last)
    std::string name;
    std::size_t first, last;
};

class Graph {
  public:
    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<ParameterSpec>& parameters() const { return parameters_; }
    const std::vector<Block>& blocks() const { return blocks_; }
    const std::vector<std::string>& value_names() const { return value_names_; }
    ValueId input() const { return 0; }
    ValueId output() const { return output_; }

    const ParameterSpec* find_parameter(std::string_view name) const;
    std::optional<ValueId> find_value(std::string_view name) const;
    std::size_t node_index(std::string_view name) const;  // asserts that it is there
    // SHA-256 of the canonical description: nodes, operators, shapes. No names of files, no
    // weights.
    std::string fingerprint() const;

  private:
    friend class GraphBuilder;
    friend class GraphEditor;
    std::vector<Node> nodes_;
    std::vector<ParameterSpec> parameters_;
    std::vector<Block> blocks_;
    std::vector<std::string> value_names_;
    ValueId output_ = -1;
};

Json describe(const Graph& graph);
std::vector<std::string> parameters_of(const Op& op);

}  // namespace aocq::nn
