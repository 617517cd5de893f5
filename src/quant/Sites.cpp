// SPDX-License-Identifier: Apache-2.0
#include "quant/Sites.hpp"

#include <map>
#include <set>

namespace aocq::quant {
namespace {

constexpr const char* output_suffix = ":output";

struct OperandKind {
    nn::Operand operand;
    const char* suffix;
    SiteKind kind;
};

std::vector<OperandKind> operands_of(nn::Role role) {
    using nn::Operand;
    using nn::Role;
    switch (role) {
        case Role::patch:
            return {{Operand::first, ":input", SiteKind::patch_input},
                    {Operand::weight, ":weight", SiteKind::patch_weight}};
        case Role::linear:
            return {{Operand::first, ":input", SiteKind::linear_input},
                    {Operand::weight, ":weight", SiteKind::linear_weight}};
        case Role::head:
            return {{Operand::first, ":input", SiteKind::head_input},
                    {Operand::weight, ":weight", SiteKind::head_weight}};
        case Role::attention_scores:
            return {{Operand::first, ":lhs", SiteKind::attention_query},
                    {Operand::second, ":rhs", SiteKind::attention_key}};
        case Role::attention_context:
            return {{Operand::first, ":lhs", SiteKind::attention_probability},
                    {Operand::second, ":rhs", SiteKind::attention_value}};
        case Role::none:
            break;
    }
    return {};
}

// Reads a graph backwards: who made a value, and what leaves a node.
class Producers {
  public:
    explicit Producers(const nn::Graph& graph) : graph_(graph) {
        for (std::size_t i = 0; i < graph.nodes().size(); ++i)
            made_by_[graph.nodes()[i].output] = i;
        for (const nn::Block& block : graph.blocks()) {
            for (std::size_t i = block.first; i < block.last; ++i) {
                for (const nn::ValueId input : graph.nodes()[i].inputs) {
                    const auto maker = made_by_.find(input);
                    if (maker != made_by_.end() && maker->second < block.first)
                        entering_.insert(input);
                }
            }
        }
    }

    std::optional<SiteKind> result_kind(std::size_t index) const {
        const nn::Node& node = graph_.nodes()[index];
        if (entering_.contains(node.output) || is<nn::Add>(node)) return SiteKind::residual;
        if (is<nn::PrependTokens>(node) || is<nn::AddParameter>(node)) return SiteKind::embedding;
        if (is<nn::RelativePositionBias>(node)) return SiteKind::attention_score;
        switch (node.role) {
            case nn::Role::patch:
                return SiteKind::patch_output;
            case nn::Role::linear:
                return SiteKind::linear_output;
            case nn::Role::head:
                return SiteKind::head_output;
            case nn::Role::attention_scores:
                return SiteKind::attention_score;
            case nn::Role::attention_context:
            case nn::Role::none:
                break;
        }
        return std::nullopt;
    }

    // Of the probabilities that an attention product reads.
    std::optional<SoftmaxSource> softmax_of(const nn::Node& context) const {
        const std::size_t softmax = made_by_.at(context.inputs.front());
        if (!is<nn::Softmax>(graph_.nodes()[softmax])) return std::nullopt;
        std::size_t scores = made_by_.at(graph_.nodes()[softmax].inputs.front());
        while (is<nn::ShiftMask>(graph_.nodes()[scores]))
            scores = made_by_.at(graph_.nodes()[scores].inputs.front());
        return SoftmaxSource{softmax, graph_.nodes()[scores].name + output_suffix};
    }

  private:
    template <class Op>
    static bool is(const nn::Node& node) {
        return std::holds_alternative<Op>(node.op);
    }

    const nn::Graph& graph_;
    std::map<nn::ValueId, std::size_t> made_by_;
    std::set<nn::ValueId> entering_;  // values that blocks take from before them
};

}  // namespace

std::vector<Site> list_sites(const nn::Graph& graph) {
    const Producers producers(graph);
    std::vector<Site> sites;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
        const nn::Node& node = graph.nodes()[i];
        for (const auto& [operand, suffix, kind] : operands_of(node.role)) {
            const bool weight = operand == nn::Operand::weight;
            Site site{node.name + suffix, kind, i, operand,
                      weight ? nn::parameters_of(node.op).front() : std::string()};
            if (kind == SiteKind::attention_probability) site.softmax = producers.softmax_of(node);
            sites.push_back(std::move(site));
        }
        if (const auto kind = producers.result_kind(i))
            sites.push_back({node.name + output_suffix, *kind, i, nn::Operand::result, ""});
    }
    return sites;
}

}  // namespace aocq::quant
