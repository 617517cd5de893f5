// SPDX-License-Identifier: Apache-2.0
#include "engine/Facts.hpp"

#include <fmt/format.h>

#include "engine/DataUse.hpp"
#include "nn/Model.hpp"

namespace aocq::engine {
namespace {

void look_up_data(Json& facts, const Json& section, Purpose purpose) {
    if (section.is_null()) return;
    Json& entry = facts["data"][canonical_json(section)];
    if (!entry.is_null()) return;
    const DataUse use = open_data(section, purpose);
    entry = {{"size", use.size()}, {"fingerprint", use.fingerprint()}, {"classes", use.classes()}};
}

// Labels beyond the model's outputs would count as wrong for ever.
void check_classes(const nn::ModelSpec& spec, const Json& data, std::int64_t classes) {
    if (data.at("classes").get<std::int64_t>() <= classes) return;
    throw Error::config("the dataset has more classes than the model")
        .advise("choose the weights that belong to the dataset, or give a synset list")
        .at("model", spec.name)
        .found(data.at("classes").dump())
        .wanted(fmt::format("at most {}", classes));
}

}  // namespace

std::string model_name(const config::Experiment& experiment) {
    const auto used = experiment.uses.find("model");
    return experiment.model.value("name", used == experiment.uses.end() ? "model" : used->second);
}

void check_sections(const config::Experiment& experiment) {
    const nn::ModelSpec spec = nn::model_spec_from(Fields(experiment.model, "model"));
    if (experiment.bits.is_float()) return;
    if (experiment.calibration.is_null()) {
        throw Error::config("a quantized experiment needs calibration images")
            .at("key", "data.calibration");
    }
    const nn::Graph graph = nn::build_graph(spec);
    resolve_method(experiment, graph);
}

ResolvedMethod resolve_method(const config::Experiment& experiment, const nn::Graph& graph) {
    ResolvedMethod method{quant::recipe_from(Fields(experiment.method, "method"), graph), {}};
    for (std::size_t i = 0; i < experiment.rules.size(); ++i) {
        method.recipe.rules.push_back(
            quant::rule_from(Fields(experiment.rules[i], fmt::format("rule[{}]", i))));
    }
    method.schemes = quant::resolve_scheme(quant::list_sites(graph), method.recipe.rules,
                                           {experiment.bits.weights, experiment.bits.activations});
    return method;
}

Json gather_facts(const config::Study& study) {
    Json facts = {{"models", Json::object()}, {"data", Json::object()}};
    for (const auto& experiment : study.experiments) {
        const nn::ModelSpec spec = nn::model_spec_from(Fields(experiment.model, "model"));
        Json& model = facts["models"][canonical_json(experiment.model)];
        if (model.is_null()) model = {{"weights", nn::load_model(spec).fingerprint}};
        look_up_data(facts, experiment.calibration, Purpose::calibration);
        look_up_data(facts, experiment.evaluation, Purpose::evaluation);
        check_classes(spec, facts["data"][canonical_json(experiment.evaluation)], spec.classes());
    }
    return facts;
}

}  // namespace aocq::engine
