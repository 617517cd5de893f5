// SPDX-License-Identifier: Apache-2.0
#include "quant/Footprint.hpp"

#include <vector>

namespace aocq::quant {
namespace {

constexpr std::int64_t float_size = 4, scale_size = 4, zero_point_size = 1;  // bytes

std::int64_t grids_of(const nn::Shape& weight, const SiteScheme& scheme) {
    const std::int64_t per_output = nn::count_of(weight) / weight[0];
    switch (scheme.granularity) {
        case Granularity::channel:
            return weight[0];
        case Granularity::group:
            return weight[0] * ((per_output + scheme.group - 1) / scheme.group);
        case Granularity::part:
            return scheme.group;
        case Granularity::tensor:
        case Granularity::head:
        case Granularity::token:
            break;
    }
    return 1;
}

std::int64_t stored_bytes(const nn::Shape& weight, const SiteScheme& scheme) {
    const std::int64_t grid =
        scale_size + (scheme.symmetry == Symmetry::asymmetric ? zero_point_size : 0);
    return (nn::count_of(weight) * scheme.bits + 7) / 8 + grids_of(weight, scheme) * grid;
}

// Values on a grid without a site of their own: parts of a quantized output, only moved.
class OnGrid {
  public:
    OnGrid(const nn::Graph& graph, std::span<const Site> sites, std::span<const SiteScheme> schemes)
        : on_grid_(graph.value_names().size(), false) {
        std::vector<bool> quantized(graph.nodes().size(), false);
        for (std::size_t i = 0; i < sites.size(); ++i) {
            if (sites[i].is_output() && schemes[i].quantized) quantized[sites[i].node] = true;
        }
        for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
            const nn::Node& node = graph.nodes()[i];
            on_grid_[place(node.output)] =
                quantized[i] || (only_moves(node.op) && on_grid_[place(node.inputs.front())]);
        }
    }
    bool operator()(nn::ValueId value) const { return on_grid_[place(value)]; }

  private:
    static std::size_t place(nn::ValueId value) { return static_cast<std::size_t>(value); }
    template <class... Ops>
    static bool is_one_of(const nn::Op& op) {
        return (std::holds_alternative<Ops>(op) || ...);
    }
    static bool only_moves(const nn::Op& op) {
        return is_one_of<nn::FlattenPatches, nn::SplitHeads, nn::MergeHeads, nn::SelectToken,
                         nn::ChannelsLast, nn::Roll, nn::WindowPartition, nn::WindowReverse,
                         nn::MergePatches>(op);
    }

    std::vector<bool> on_grid_;
};

// The value that an operand reads.
nn::ValueId value_of(const nn::Graph& graph, const Site& site) {
    return graph.nodes()[site.node].inputs[site.operand == nn::Operand::second ? 1 : 0];
}

}  // namespace

Footprint footprint(const nn::Graph& graph, std::span<const Site> sites,
                    std::span<const SiteScheme> schemes, const nn::ModelCost& cost) {
    AOCQ_EXPECT(sites.size() == schemes.size() && cost.nodes.size() == graph.nodes().size());
    Footprint result;
    result.macs = cost.total.macs;
    result.float_bytes = float_size * cost.total.parameters;
    result.bytes = result.float_bytes;
    const OnGrid on_grid(graph, sites, schemes);
    std::vector<int> float_operands(graph.nodes().size(), 0);
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (!schemes[i].quantized) {
            const bool counts = !sites[i].is_output() &&
                                (sites[i].is_weight() || !on_grid(value_of(graph, sites[i])));
            if (counts) ++float_operands[sites[i].node];
            continue;
        }
        if (!sites[i].is_weight()) continue;
        const nn::Shape& weight = graph.find_parameter(sites[i].parameter)->shape;
        const std::int64_t as_float = float_size * nn::count_of(weight);
        result.quantized_weight_bytes += as_float;
        result.bytes += stored_bytes(weight, schemes[i]) - as_float;
    }
    for (std::size_t i = 0; i < cost.nodes.size(); ++i) {
        if (graph.nodes()[i].role != nn::Role::none && float_operands[i] == 0)
            result.quantized_macs += cost.nodes[i].macs;
    }
    return result;
}

}  // namespace aocq::quant
