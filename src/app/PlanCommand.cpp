// SPDX-License-Identifier: Apache-2.0
// aocq plan: the expansion of a study, and the immutable plan that run can read.
#include <fmt/format.h>

#include <cstdio>

#include "app/Commands.hpp"
#include "app/Results.hpp"

namespace aocq::app {
namespace {

int plan(const StudyArguments& arguments, bool as_json) {
    const OpenedStudy opened = open_study(arguments);
    opened.folder.claim();
    const fs::path file = opened.folder.keep_plan(config::to_json(opened.study));
    const StudyState states(opened);
    Json list = Json::array();
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        const auto& experiment = opened.study.experiments[i];
        const auto& work = opened.work.experiments[i];
        list.push_back({{"index", i},
                        {"id", work.id},
                        {"model", work.model_name},
                        {"bits", config::to_string(experiment.bits)},
                        {"seed", experiment.seed},
                        {"images", work.images},
                        {"coordinates", describe(experiment.coordinates)},
                        {"state", to_string(states.of(i).state)}});
    }
    if (as_json) {
        fmt::print("{}\n", Json({{"plan", file.string()},
                                 {"units", opened.work.graph.size()},
                                 {"experiments", list}})
                               .dump(2));
        return exit_done;
    }
    fmt::print("{:>5}  {:12}  {:9}  {:20}  {:6}  {}\n", "index", "id", "state", "model", "bits",
               "axes");
    for (const Json& row : list) {
        fmt::print("{:>5}  {:12}  {:9}  {:20}  {:6}  {}\n", row["index"].get<int>(),
                   row["id"].get<std::string>(), row["state"].get<std::string>(),
                   row["model"].get<std::string>(), row["bits"].get<std::string>(),
                   row["coordinates"].get<std::string>());
    }
    fmt::print("\n{} experiments, {} units; plan: {}\n", list.size(), opened.work.graph.size(),
               file.string());
    return exit_done;
}

}  // namespace

void add_plan(CLI::App& app, Chosen& chosen) {
    struct Options {
        StudyArguments study;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("plan", "Print the experiments of a study and write the plan");
    options->study.add_to(*command);
    command->add_flag("--json", options->json, "As JSON");
    command->callback(
        [options, &chosen] { chosen = [options] { return plan(options->study, options->json); }; });
}

}  // namespace aocq::app
