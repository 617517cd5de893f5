// SPDX-License-Identifier: Apache-2.0
// What the plan points at, looked up once by one rank and told to all: fingerprints of weights,
// sizes and fingerprints of datasets. Together with the study they determine every key, so ranks
// never disagree about a unit.
#pragma once

#include <string>
#include <vector>

#include "config/Study.hpp"
#include "core/Json.hpp"
#include "nn/Graph.hpp"
#include "quant/Recipe.hpp"

namespace aocq::engine {

// The sections of one experiment that need no file: model, method and rules against the model's
// graph. Errors carry the key path.
void check_sections(const config::Experiment& experiment);

// The method's recipe with the study's rules behind its own, and what they mean for each site of
// the graph.
struct ResolvedMethod {
    quant::Recipe recipe;
    std::vector<quant::SiteScheme> schemes;  // parallel to quant::list_sites(graph)
};
ResolvedMethod resolve_method(const config::Experiment& experiment, const nn::Graph& graph);

// What tables call the model: its own `name`, else the name its section was taken from.
std::string model_name(const config::Experiment& experiment);

// {"models": {<canonical section>: {"weights": hex}}, "data": {<canonical section>: {"size",
// "fingerprint", "classes"}}} Also checks everything it touches: weights against the graph, labels
// against the model's classes, method and rules.
Json gather_facts(const config::Study& study);

}  // namespace aocq::engine
