// SPDX-License-Identifier: Apache-2.0
#include "quant/Sites.hpp"

namespace aocq::quant {
namespace {

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

}  // namespace

std::vector<Site> list_sites(const nn::Graph& graph) {
    std::vector<Site> sites;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
        const nn::Node& node = graph.nodes()[i];
        for (const auto& [operand, suffix, kind] : operands_of(node.role)) {
            const bool weight = operand == nn::Operand::weight;
            sites.push_back({node.name + suffix, kind, i, operand,
                             weight ? nn::parameters_of(node.op).front() : std::string()});
        }
    }
    return sites;
}

}  // namespace aocq::quant
