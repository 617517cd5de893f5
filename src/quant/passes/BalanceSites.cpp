// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceSites.hpp"

#include <algorithm>

namespace aocq::quant {
namespace {

std::vector<std::size_t> users_of(const nn::Graph& graph, nn::ValueId value) {
    std::vector<std::size_t> users;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
        const auto& inputs = graph.nodes()[i].inputs;
        if (std::find(inputs.begin(), inputs.end(), value) != inputs.end()) users.push_back(i);
    }
    return users;
}

std::size_t maker_of(const nn::Graph& graph, nn::ValueId value) {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
        if (graph.nodes()[i].output == value) return i;
    }
    AOCQ_ASSERT(!"every value but the image has a node");
    return 0;
}

template <class Op>
const Op* op_of(const nn::Graph& graph, std::size_t node) {
    return std::get_if<Op>(&graph.nodes()[node].op);
}

bool all_linear(const nn::Graph& graph, const std::vector<std::size_t>& nodes) {
    return !nodes.empty() && std::all_of(nodes.begin(), nodes.end(), [&](std::size_t i) {
        return op_of<nn::Linear>(graph, i) != nullptr;
    });
}

// Where a value goes after what a per-channel change passes through unchanged: places are moved,
// cut into windows or joined, channels stay.
struct Destination {
    std::vector<std::size_t> users;
    std::int64_t window = 0;  // see BalanceSite
};

Destination destination_of(const nn::Graph& graph, nn::ValueId value) {
    Destination found{users_of(graph, value)};
    while (found.users.size() == 1) {
        const std::size_t user = found.users.front();
        if (const auto* partition = op_of<nn::WindowPartition>(graph, user)) {
            found.window = partition->window;
        } else if (!op_of<nn::MergeHeads>(graph, user) && !op_of<nn::Roll>(graph, user)) {
            break;
        }
        found.users = users_of(graph, graph.nodes()[user].output);
    }
    return found;
}

std::int64_t width_of(const nn::Graph& graph, const std::string& parameter, std::size_t axis) {
    const nn::ParameterSpec* spec = graph.find_parameter(parameter);
    AOCQ_EXPECT(spec && axis < spec->shape.size());
    return spec->shape[axis];
}

class Finder {
  public:
    explicit Finder(const nn::Graph& graph) : graph_(graph) {}

    void look_at(std::size_t node) {
        if (const auto* norm = op_of<nn::LayerNorm>(graph_, node)) {
            add_simple(BalanceKind::norm, node, width_of(graph_, norm->weight, 0));
        } else if (op_of<nn::Gelu>(graph_, node)) {
            const auto users = users_of(graph_, graph_.nodes()[node].output);
            if (!all_linear(graph_, users)) return;
            const auto* linear = op_of<nn::Linear>(graph_, users.front());
            add_simple(BalanceKind::activation, node, width_of(graph_, linear->weight, 1));
        } else if (graph_.nodes()[node].role == nn::Role::attention_scores) {
            add_scores(node);
        } else if (graph_.nodes()[node].role == nn::Role::attention_context) {
            add_value(node);
        }
    }

    std::vector<BalanceSite> take() { return std::move(found_); }

  private:
    struct Part {
        std::size_t projection;
        const nn::SplitHeads* split;
    };

    // The part of a projection that an operand of an attention product is.
    std::optional<Part> part_of(nn::ValueId operand) const {
        const std::size_t split = maker_of(graph_, operand);
        const auto* op = op_of<nn::SplitHeads>(graph_, split);
        if (!op) return std::nullopt;
        const std::size_t projection = maker_of(graph_, graph_.nodes()[split].inputs.front());
        if (!op_of<nn::Linear>(graph_, projection)) return std::nullopt;
        return Part{projection, op};
    }

    std::int64_t part_channels(const Part& part) const {
        const auto* linear = op_of<nn::Linear>(graph_, part.projection);
        return width_of(graph_, linear->weight, 0) / part.split->parts;
    }

    void add_simple(BalanceKind kind, std::size_t node, std::int64_t channels) {
        const auto [users, window] = destination_of(graph_, graph_.nodes()[node].output);
        if (all_linear(graph_, users))
            found_.push_back({kind, node, users, 0, 0, channels, 0, window});
    }

    void add_scores(std::size_t node) {
        const auto& inputs = graph_.nodes()[node].inputs;
        const auto query = part_of(inputs[0]), key = part_of(inputs[1]);
        if (!query || !key || query->projection != key->projection) return;
        found_.push_back({BalanceKind::scores,
                          query->projection,
                          {node},
                          query->split->part,
                          key->split->part,
                          part_channels(*query),
                          query->split->heads});
    }

    void add_value(std::size_t node) {
        const auto value = part_of(graph_.nodes()[node].inputs[1]);
        const auto users = destination_of(graph_, graph_.nodes()[node].output).users;
        if (!value || !all_linear(graph_, users)) return;
        found_.push_back({BalanceKind::value, value->projection, users, value->split->part, 0,
                          part_channels(*value), value->split->heads});
    }

    const nn::Graph& graph_;
    std::vector<BalanceSite> found_;
};

// The float teacher's parameters while they are being rewritten.
class Rewriter {
  public:
    Rewriter(const PassContext& context, QuantizedModel& model)
        : context_(context), model_(model) {}

    at::Tensor get(const std::string& name) const {
        return find_parameter(context_, model_, name).to(at::kDouble);
    }
    void set(const std::string& name, const at::Tensor& value) {
        AOCQ_EXPECT(!model_.changed.contains(name));  // equivalent rewrites come before rounding
        model_.balanced[name] = value.to(at::kFloat).contiguous();
    }

    // The bias of a linear layer; puts one in where there is none.
    std::string bias_of(std::size_t node) {
        const nn::Node& place = context_.graph.nodes()[node];
        const auto* linear = std::get_if<nn::Linear>(&place.op);
        AOCQ_EXPECT(linear);
        if (!linear->bias.empty()) return linear->bias;
        const nn::GraphEdit edit{nn::EditKind::bias, place.name,
                                 width_of(context_.graph, linear->weight, 0)};
        if (std::find(model_.edits.begin(), model_.edits.end(), edit) == model_.edits.end())
            model_.edits.push_back(edit);
        return place.name + ".bias";
    }

    const std::string& weight_of(std::size_t node) const {
        const auto* linear = std::get_if<nn::Linear>(&context_.graph.nodes()[node].op);
        AOCQ_EXPECT(linear);
        return linear->weight;
    }

    // weight * scale over the inputs, bias + weight shift.
    void consume(std::size_t node, const at::Tensor& scale, const at::Tensor& shift) {
        const at::Tensor weight = get(weight_of(node));
        if (shift.any().item<bool>()) {
            const std::string bias = bias_of(node);
            set(bias, get(bias) + at::mv(weight, shift));
        }
        set(weight_of(node), weight * scale);
    }

    // Rows of one part of a projection: (row - shift) / scale.
    void produce(const BalanceSite& site, std::int64_t part, const at::Tensor& scale,
                 const at::Tensor& shift) {
        const std::int64_t first = part * site.channels;
        at::Tensor weight = get(weight_of(site.producer)).clone();
        weight.narrow(0, first, site.channels).div_(scale.unsqueeze(1));
        set(weight_of(site.producer), weight);
        const std::string name = bias_of(site.producer);
        at::Tensor bias = get(name).clone();
        at::Tensor rows = bias.narrow(0, first, site.channels);
        rows.sub_(shift).div_(scale);
        set(name, bias);
    }

  private:
    const PassContext& context_;
    QuantizedModel& model_;
};

// In double, where the parameters are that it changes.
Balance to_fold(const Balance& balance, const PassContext& context) {
    const at::Device device = device_of(context);
    return {balance.scale.to(device, at::kDouble), balance.shift.to(device, at::kDouble)};
}

}  // namespace

std::vector<BalanceSite> find_balance_sites(const PassContext& context, std::size_t block) {
    const nn::Block& range = context.graph.blocks()[block];
    Finder finder(context.graph);
    for (std::size_t i = range.first; i < range.last; ++i) finder.look_at(i);
    return finder.take();
}

bool fits_windows(const BalanceSite& site, const at::Tensor& map) {
    AOCQ_EXPECT(site.window > 0 && map.dim() == 4);
    return map.size(1) % site.window == 0 && map.size(2) % site.window == 0;
}

void fold(const PassContext& context, const BalanceSite& site, const Balance& balance,
          QuantizedModel& model) {
    Rewriter rewriter(context, model);
    const auto [scale, shift] = to_fold(balance, context);
    const nn::Node& producer = context.graph.nodes()[site.producer];
    switch (site.kind) {
        case BalanceKind::norm: {
            const auto& norm = std::get<nn::LayerNorm>(producer.op);
            rewriter.set(norm.weight, rewriter.get(norm.weight) / scale);
            rewriter.set(norm.bias, (rewriter.get(norm.bias) - shift) / scale);
            break;
        }
        case BalanceKind::activation:
            model.edits.push_back({nn::EditKind::balance, producer.name, site.channels});
            rewriter.set(producer.name + ".balance_scale", scale);
            rewriter.set(producer.name + ".balance_shift", shift);
            break;
        case BalanceKind::value:
            // A row of attention probabilities sums to one, so a shift of the values passes
            // through.
            rewriter.produce(site, site.part, scale, shift);
            break;
        case BalanceKind::scores:
            AOCQ_ASSERT(!"scores are folded by fold_scores");
            break;
    }
    for (const std::size_t consumer : site.consumers) rewriter.consume(consumer, scale, shift);
}

void fold_scores(const PassContext& context, const BalanceSite& site, const Balance& balance,
                 QuantizedModel& model) {
    AOCQ_EXPECT(site.kind == BalanceKind::scores);
    Rewriter rewriter(context, model);
    const auto [scale, shift] = to_fold(balance, context);
    rewriter.produce(site, site.part, scale, at::zeros_like(shift));
    rewriter.produce(site, site.other, 1.0 / scale, shift);
}

}  // namespace aocq::quant
