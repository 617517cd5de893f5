// SPDX-License-Identifier: Apache-2.0
// aocq inspect: the scope of an experiment: every site with bits, granularity and scheme, or
// "float".
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/StudyArguments.hpp"
#include "engine/Facts.hpp"
#include "nn/Model.hpp"
#include "quant/Sites.hpp"

namespace aocq::app {
namespace {

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

int inspect(const StudyArguments& arguments, int index, bool as_json) {
    const config::Study study = arguments.load();
    const config::Experiment& experiment = choose(study, index);
    const nn::Graph graph = nn::build_graph(nn::model_spec_from(Fields(experiment.model, "model")));
    const auto sites = quant::list_sites(graph);
    const auto method = engine::resolve_method(experiment, graph);
    if (as_json) {
        Json list = Json::array();
        for (std::size_t i = 0; i < sites.size(); ++i) {
            Json row = quant::to_json(method.schemes[i]);
            row["site"] = sites[i].name;
            row["kind"] = quant::site_kinds.name(sites[i].kind);
            list.push_back(row);
        }
        fmt::print("{}\n", list.dump(2));
        return exit_done;
    }
    std::size_t quantized = 0;
    fmt::print("{:34}  {:22}  {:>5}  {:11}  {:10}  {}\n", "site", "kind", "bits", "granularity",
               "symmetry", "mode");
    for (std::size_t i = 0; i < sites.size(); ++i) {
        const auto& scheme = method.schemes[i];
        const std::string kind(quant::site_kinds.name(sites[i].kind));
        if (!scheme.quantized) {
            fmt::print("{:34}  {:22}  float\n", sites[i].name, kind);
            continue;
        }
        ++quantized;
        fmt::print("{:34}  {:22}  {:>5}  {:11}  {:10}  {}\n", sites[i].name, kind, scheme.bits,
                   std::string(quant::granularities.name(scheme.granularity)),
                   std::string(scheme.codec == quant::Codec::uniform
                                   ? quant::symmetry_names.name(scheme.symmetry)
                                   : quant::codecs.name(scheme.codec)),
                   std::string(quant::modes.name(scheme.mode)));
    }
    fmt::print(
        "\n{}: {} of {} sites quantized; LayerNorm, softmax, GELU and the residual stream are "
        "float\n",
        config::to_string(experiment.bits), quantized, sites.size());
    return exit_done;
}

}  // namespace

void add_inspect(CLI::App& app, Chosen& chosen) {
    struct Options {
        StudyArguments study;
        int experiment = -1;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("inspect", "Print every place where a tensor is quantized, and how");
    options->study.add_to(*command);
    command->add_option("--experiment", options->experiment,
                        "Index in the plan (default: the first quantized one)");
    command->add_flag("--json", options->json, "As JSON");
    command->callback([options, &chosen] {
        chosen = [options] { return inspect(options->study, options->experiment, options->json); };
    });
}

}  // namespace aocq::app
