// SPDX-License-Identifier: Apache-2.0
// aocq inspect: what an experiment quantizes and how, or what a file of weights holds.
#include "app/Commands.hpp"
#include "app/InspectStudy.hpp"
#include "app/InspectWeights.hpp"
#include "app/StudyArguments.hpp"

namespace aocq::app {
namespace {

struct Options {
    StudyArguments study;
    std::filesystem::path weights;
    int experiment = -1;
    bool nodes = false;
    bool json = false;
};

int inspect(const Options& options) {
    if (!options.weights.empty()) {
        if (!options.study.study.empty()) {
            throw Error::usage("a study or a file of weights can be inspected, not both at once")
                .at("option", "--weights");
        }
        return inspect_weights(options.weights, options.json);
    }
    if (options.study.study.empty()) {
        throw Error::usage("nothing to inspect").advise("name a study, or a file with --weights");
    }
    return inspect_study(options.study.load(), options.experiment,
                         options.nodes ? InspectView::nodes : InspectView::sites, options.json);
}

}  // namespace

void add_inspect(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "inspect",
        "Print every place where a tensor is quantized, and how; with --weights, a file's tensors");
    options->study.add_to(*command);
    command->get_option("study")->required(false);
    command->add_option("--weights", options->weights,
                        "Instead of a study: a file of weights, its tensors and fingerprint");
    command->add_option("--experiment", options->experiment,
                        "Index in the plan (default: the first quantized one)");
    command->add_flag("--nodes", options->nodes,
                      "Multiplications, parameters and activation bytes of every node instead");
    command->add_flag("--json", options->json, "As JSON");
    command->callback([options, &chosen] { chosen = [options] { return inspect(*options); }; });
}

}  // namespace aocq::app
