// SPDX-License-Identifier: Apache-2.0
#include "nn/Executor.hpp"

#include <algorithm>

#include "nn/Windows.hpp"

namespace aocq::nn {
namespace {

// Evaluates one node; looks parameters up by name, the overrides first.
class NodeRunner {
  public:
    NodeRunner(const Parameters& parameters, const RunOptions& options)
        : parameters_(parameters), options_(options) {}

    at::Tensor operator()(std::size_t index, const Node& node,
                          const std::vector<at::Tensor>& inputs) {
        index_ = index;
        return operand(Operand::result,
                       std::visit([&](const auto& op) { return eval(op, inputs); }, node.op));
    }

  private:
    using Inputs = std::vector<at::Tensor>;

    at::Tensor parameter(const std::string& name) const {
        if (options_.overrides) {
            if (const auto found = options_.overrides->find(name);
                found != options_.overrides->end()) {
                return found->second;
            }
        }
        const auto found = parameters_.find(name);
        AOCQ_EXPECT(found != parameters_.end());
        return found->second;
    }
    at::Tensor operand(Operand which, const at::Tensor& x) const {
        return options_.policy ? options_.policy->operand(index_, which, x) : x;
    }
    std::optional<at::Tensor> bias(const std::string& name) const {
        if (name.empty()) return std::nullopt;
        return parameter(name);
    }

    at::Tensor eval(const PatchConvolution& op, const Inputs& in) const {
        const at::Tensor weight = operand(Operand::weight, parameter(op.weight));
        return at::conv2d(operand(Operand::first, in[0]), weight, parameter(op.bias),
                          {op.stride, op.stride});
    }
    at::Tensor eval(const FlattenPatches&, const Inputs& in) const {
        return in[0].flatten(2).transpose(1, 2);
    }
    at::Tensor eval(const PrependTokens& op, const Inputs& in) const {
        std::vector<at::Tensor> parts;
        for (const auto& name : op.tokens)
            parts.push_back(parameter(name).expand({in[0].size(0), -1, -1}));
        parts.push_back(in[0]);
        return at::cat(parts, 1);
    }
    at::Tensor eval(const AddParameter& op, const Inputs& in) const {
        return in[0] + parameter(op.parameter);
    }
    at::Tensor eval(const ScaleChannels& op, const Inputs& in) const {
        return in[0] * parameter(op.parameter);
    }
    at::Tensor eval(const LayerNorm& op, const Inputs& in) const {
        return at::layer_norm(in[0], {in[0].size(-1)}, parameter(op.weight), parameter(op.bias),
                              op.epsilon);
    }
    at::Tensor eval(const Linear& op, const Inputs& in) const {
        const at::Tensor weight = operand(Operand::weight, parameter(op.weight));
        return at::linear(operand(Operand::first, in[0]), weight, bias(op.bias));
    }
    at::Tensor eval(const SplitHeads& op, const Inputs& in) const {
        const at::Tensor& x = in[0];
        const std::int64_t depth = x.size(2) / (op.parts * op.heads);
        return x.view({x.size(0), x.size(1), op.parts, op.heads, depth})
            .select(2, op.part)
            .transpose(1, 2);
    }
    at::Tensor eval(const MergeHeads&, const Inputs& in) const {
        return in[0].transpose(1, 2).flatten(2);
    }
    at::Tensor eval(const Matmul& op, const Inputs& in) const {
        const at::Tensor lhs = operand(Operand::first, in[0]);
        const at::Tensor rhs = operand(Operand::second, in[1]);
        const at::Tensor product = at::matmul(lhs, op.transpose_rhs ? rhs.transpose(-2, -1) : rhs);
        return op.factor == 1.0 ? product : product * op.factor;
    }
    at::Tensor eval(const Softmax&, const Inputs& in) const {
        return options_.policy ? options_.policy->softmax(index_, in[0]) : at::softmax(in[0], -1);
    }
    at::Tensor eval(const Gelu& op, const Inputs& in) const {
        const at::Tensor active = at::gelu(in[0]);
        return op.scale.empty() ? active : (active - parameter(op.shift)) / parameter(op.scale);
    }
    at::Tensor eval(const Tanh&, const Inputs& in) const { return at::tanh(in[0]); }
    at::Tensor eval(const Add&, const Inputs& in) const { return in[0] + in[1]; }
    at::Tensor eval(const Average&, const Inputs& in) const { return (in[0] + in[1]) / 2; }
    at::Tensor eval(const SelectToken& op, const Inputs& in) const {
        return in[0].select(1, op.index);
    }
    at::Tensor eval(const ChannelsLast&, const Inputs& in) const {
        return in[0].permute({0, 2, 3, 1}).contiguous();
    }
    at::Tensor eval(const Roll& op, const Inputs& in) const {
        return at::roll(in[0], {op.shift, op.shift}, {1, 2});
    }
    at::Tensor eval(const WindowPartition& op, const Inputs& in) const {
        return window_partition(in[0], op.window);
    }
    at::Tensor eval(const WindowReverse& op, const Inputs& in) const {
        return window_reverse(in[0], op.window, in[1].size(0), in[1].size(1), in[1].size(2));
    }
    at::Tensor eval(const RelativePositionBias& op, const Inputs& in) const {
        const at::Tensor table = parameter(op.table);
        const at::Tensor index = relative_position_index(op.window, table.device());
        return in[0] + table.index_select(0, index.flatten())
                           .view({index.size(0), index.size(1), -1})
                           .permute({2, 0, 1});
    }
    at::Tensor eval(const ShiftMask& op, const Inputs& in) const {
        const at::Tensor& x = in[0];
        const at::Tensor mask =
            shift_mask(in[1].size(1), in[1].size(2), op.window, op.shift, x.options());
        return (x.reshape({-1, mask.size(0), x.size(1), x.size(2), x.size(3)}) + mask.unsqueeze(1))
            .reshape(x.sizes());
    }
    at::Tensor eval(const MergePatches&, const Inputs& in) const { return merge_patches(in[0]); }
    at::Tensor eval(const MeanTokens& op, const Inputs& in) const {
        const at::Tensor places = in[0].flatten(1, -2);
        return (op.skip == 0 ? places : places.slice(1, op.skip)).mean(1);
    }

    const Parameters& parameters_;
    const RunOptions& options_;
    std::size_t index_ = 0;
};

}  // namespace

at::Tensor OperandPolicy::softmax(std::size_t, const at::Tensor& scores) {
    return at::softmax(scores, -1);
}

Values run(const Graph& graph, const Parameters& parameters, const Values& feeds,
           const RunOptions& options) {
    const auto& nodes = graph.nodes();
    const std::size_t last = std::min(options.last, nodes.size());
    AOCQ_EXPECT(options.first < last);
    std::vector<ValueId> wanted = options.taps;
    if (wanted.empty()) wanted.push_back(nodes[last - 1].output);

    std::vector<std::size_t> last_use(graph.value_names().size(), 0);
    for (std::size_t i = options.first; i < last; ++i) {
        for (const ValueId input : nodes[i].inputs) last_use[static_cast<std::size_t>(input)] = i;
    }
    for (const ValueId value : wanted) last_use[static_cast<std::size_t>(value)] = nodes.size();

    std::vector<at::Tensor> alive(graph.value_names().size());
    for (const auto& [value, tensor] : feeds) alive[static_cast<std::size_t>(value)] = tensor;

    NodeRunner evaluate(parameters, options);
    for (std::size_t i = options.first; i < last; ++i) {
        const Node& node = nodes[i];
        const auto out = static_cast<std::size_t>(node.output);
        {
            std::vector<at::Tensor> inputs;
            inputs.reserve(node.inputs.size());
            for (const ValueId input : node.inputs) {
                const auto& value = alive[static_cast<std::size_t>(input)];
                AOCQ_EXPECT(value.defined());  // a value outside the range must be fed
                inputs.push_back(value);
                if (last_use[static_cast<std::size_t>(input)] == i)
                    alive[static_cast<std::size_t>(input)].reset();
            }
            // A fed value inside the range is taken as it is: its node need not run.
            if (!feeds.contains(node.output)) alive[out] = evaluate(i, node, inputs);
        }
        if (options.value_overrides) {
            if (const auto found = options.value_overrides->find(node.output);
                found != options.value_overrides->end()) {
                alive[out] = found->second;
            }
        }
    }

    Values result;
    for (const ValueId value : wanted) {
        AOCQ_EXPECT(alive[static_cast<std::size_t>(value)].defined());
        result[value] = alive[static_cast<std::size_t>(value)];
    }
    return result;
}

at::Tensor forward(const Graph& graph, const Parameters& parameters, const at::Tensor& image,
                   OperandPolicy* policy) {
    RunOptions options;
    options.policy = policy;
    return run(graph, parameters, {{graph.input(), image}}, options).at(graph.output());
}

}  // namespace aocq::nn
