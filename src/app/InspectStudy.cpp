// SPDX-License-Identifier: Apache-2.0
#include "app/InspectStudy.hpp"

#include <fmt/format.h>

#include "app/Columns.hpp"
#include "core/Text.hpp"
#include "engine/Facts.hpp"
#include "nn/Model.hpp"
#include "quant/Footprint.hpp"

namespace aocq::app {
namespace {

struct Scope {
    nn::Graph graph;
    std::vector<quant::Site> sites;
    std::vector<quant::SiteScheme> schemes;
    nn::ModelCost cost;  // of one image
    quant::Footprint footprint;
};

const config::Experiment& choose(const config::Study& study, int index) {
    if (index < 0) {
        for (const auto& experiment : study.experiments) {
            if (!experiment.bits.is_float()) return experiment;
        }
        throw Error::usage("the study has no quantized experiment to inspect");
    }
    if (static_cast<std::size_t>(index) >= study.experiments.size() ||
        study.experiments[static_cast<std::size_t>(index)].bits.is_float()) {
        throw Error::usage("no such quantized experiment")
            .advise("the indices are those of 'aocq plan'")
            .at("option", "--experiment")
            .found(std::to_string(index));
    }
    return study.experiments[static_cast<std::size_t>(index)];
}

// Float outputs are the usual case and no place where anything happens.
void leave_out_float_outputs(Scope& scope) {
    Scope all = scope;
    scope.sites.clear();
    scope.schemes.clear();
    for (std::size_t i = 0; i < all.sites.size(); ++i) {
        if (all.sites[i].is_output() && !all.schemes[i].quantized) continue;
        scope.sites.push_back(all.sites[i]);
        scope.schemes.push_back(all.schemes[i]);
    }
}

Scope scope_of(const config::Experiment& experiment) {
    const nn::ModelSpec spec = nn::model_spec_from(Fields(experiment.model, "model"));
    Scope scope{nn::build_graph(spec), {}, {}, {}, {}};
    scope.sites = quant::list_sites(scope.graph);
    scope.schemes = engine::resolve_method(experiment, scope.graph).schemes;
    scope.cost = nn::model_cost(scope.graph, {1, 3, spec.image_size(), spec.image_size()});
    scope.footprint = quant::footprint(scope.graph, scope.sites, scope.schemes, scope.cost);
    leave_out_float_outputs(scope);
    return scope;
}

Json sites_json(const Scope& scope) {
    Json list = Json::array();
    for (std::size_t i = 0; i < scope.sites.size(); ++i) {
        Json row = quant::to_json(scope.schemes[i]);
        row["site"] = scope.sites[i].name;
        row["kind"] = quant::site_kinds.name(scope.sites[i].kind);
        list.push_back(row);
    }
    return list;
}

Json cost_json(const nn::NodeCost& cost) {
    return {{"macs", cost.macs},
            {"parameters", cost.parameters},
            {"activation_bytes", 4 * cost.activations}};
}

Json nodes_json(const Scope& scope) {
    Json list = Json::array();
    for (std::size_t i = 0; i < scope.cost.nodes.size(); ++i) {
        Json row = cost_json(scope.cost.nodes[i]);
        row["node"] = scope.graph.nodes()[i].name;
        row["operator"] = nn::op_name(scope.graph.nodes()[i].op);
        list.push_back(row);
    }
    return list;
}

Json totals_json(const Scope& scope) {
    Json totals = cost_json(scope.cost.total);
    totals["quantized_macs"] = scope.footprint.quantized_macs;
    totals["float_bytes"] = scope.footprint.float_bytes;
    totals["quantized_weight_bytes"] = scope.footprint.quantized_weight_bytes;
    totals["bytes"] = scope.footprint.bytes;
    totals["memory_ratio"] = scope.footprint.memory_ratio();
    return totals;
}

std::string sites_text(const Scope& scope) {
    Columns columns(
        {{"site"}, {"kind"}, {"bits", Align::right}, {"granularity"}, {"symmetry"}, {"mode"}});
    for (std::size_t i = 0; i < scope.sites.size(); ++i) {
        const quant::SiteScheme& scheme = scope.schemes[i];
        const std::string kind(quant::site_kinds.name(scope.sites[i].kind));
        if (!scheme.quantized) {
            columns.add({scope.sites[i].name, kind, "float"});
            continue;
        }
        columns.add({scope.sites[i].name, kind, std::to_string(scheme.bits),
                     std::string(quant::granularities.name(scheme.granularity)),
                     std::string(scheme.codec == quant::Codec::uniform
                                     ? quant::symmetry_names.name(scheme.symmetry)
                                     : quant::codecs.name(scheme.codec)),
                     std::string(quant::modes.name(scheme.mode))});
    }
    return columns.text();
}

// What no site of the experiment covers.
std::string float_parts(const Scope& scope) {
    bool softmax = true, residual = true;
    for (std::size_t i = 0; i < scope.sites.size(); ++i) {
        if (!scope.schemes[i].quantized) continue;
        if (scope.schemes[i].codec == quant::Codec::log_int) softmax = false;
        if (scope.sites[i].kind == quant::SiteKind::residual) residual = false;
    }
    std::string parts = softmax ? "LayerNorm, softmax" : "LayerNorm";
    parts += residual ? ", GELU and the residual stream are float" : " and GELU are float";
    return parts;
}

std::string nodes_text(const Scope& scope) {
    Columns columns({{"node"},
                     {"operator"},
                     {"MACs", Align::right},
                     {"parameters", Align::right},
                     {"activation bytes", Align::right}});
    const auto add = [&](const std::string& name, const std::string& op, const nn::NodeCost& cost) {
        columns.add({name, op, std::to_string(cost.macs), std::to_string(cost.parameters),
                     std::to_string(4 * cost.activations)});
    };
    for (std::size_t i = 0; i < scope.cost.nodes.size(); ++i) {
        add(scope.graph.nodes()[i].name, std::string(nn::op_name(scope.graph.nodes()[i].op)),
            scope.cost.nodes[i]);
    }
    add("total", "", scope.cost.total);
    return columns.text();
}

double percent(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string totals_text(const Scope& scope) {
    const nn::NodeCost& total = scope.cost.total;
    const quant::Footprint& print = scope.footprint;
    return fmt::format(
        "one image: {:.4g} G MACs, {:.1f} % of them with both operands quantized; {} of "
        "activations in float32\n"
        "weights: {} parameters, {} in float32, {:.1f} % of these bytes quantized; {} as "
        "quantized, {:.4f} of float32\n",
        static_cast<double>(total.macs) * 1e-9, percent(print.quantized_macs, print.macs),
        human_bytes(static_cast<std::uint64_t>(4 * total.activations)), total.parameters,
        human_bytes(static_cast<std::uint64_t>(print.float_bytes)),
        percent(print.quantized_weight_bytes, print.float_bytes),
        human_bytes(static_cast<std::uint64_t>(print.bytes)), print.memory_ratio());
}

}  // namespace

int inspect_study(const config::Study& study, int index, InspectView view, bool as_json) {
    const config::Experiment& experiment = choose(study, index);
    const Scope scope = scope_of(experiment);
    if (as_json) {
        const Json all = {{"model", engine::model_name(experiment)},
                          {"bits", config::to_string(experiment.bits)},
                          {"sites", sites_json(scope)},
                          {"nodes", nodes_json(scope)},
                          {"totals", totals_json(scope)}};
        fmt::print("{}\n", all.dump(2));
        return exit_done;
    }
    if (view == InspectView::nodes) {
        fmt::print("{}\n{}", nodes_text(scope), totals_text(scope));
        return exit_done;
    }
    const auto quantized =
        std::count_if(scope.schemes.begin(), scope.schemes.end(),
                      [](const quant::SiteScheme& scheme) { return scheme.quantized; });
    fmt::print("{}\n{}: {} of {} sites quantized; {}\n{}", sites_text(scope),
               config::to_string(experiment.bits), quantized, scope.sites.size(),
               float_parts(scope), totals_text(scope));
    return exit_done;
}

}  // namespace aocq::app
