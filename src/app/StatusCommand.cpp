// SPDX-License-Identifier: Apache-2.0
// aocq status: what exists of a study. Reads files only, so it works while the study runs.
#include <fmt/format.h>

#include <map>

#include "app/Commands.hpp"
#include "app/Results.hpp"

namespace aocq::app {
namespace {

int status(const StudyArguments& arguments, bool as_json) {
    const OpenedStudy opened = open_study(arguments);
    std::map<std::string, int> counts;
    Json list = Json::array();
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        const ExperimentState state = state_of(opened, i);
        ++counts[std::string(to_string(state.state))];
        list.push_back({{"id", opened.work.experiments[i].id},
                        {"bits", config::to_string(opened.study.experiments[i].bits)},
                        {"coordinates", describe(opened.study.experiments[i].coordinates)},
                        {"state", to_string(state.state)},
                        {"cause", state.cause}});
    }
    if (as_json) {
        fmt::print("{}\n",
                   Json({{"study", opened.study.name}, {"counts", counts}, {"experiments", list}})
                       .dump(2));
        return exit_done;
    }
    for (const Json& row : list) {
        const std::string cause = row["cause"].get<std::string>();
        fmt::print("{:12}  {:7}  {:6}  {}{}\n", row["id"].get<std::string>(),
                   row["state"].get<std::string>(), row["bits"].get<std::string>(),
                   row["coordinates"].get<std::string>(),
                   cause.empty() ? "" : "\n              " + cause);
    }
    fmt::print("\n{}: {} done, {} failed, {} pending\n", opened.study.name, counts["done"],
               counts["failed"], counts["pending"]);
    return exit_done;
}

}  // namespace

void add_status(CLI::App& app, Chosen& chosen) {
    struct Options {
        StudyArguments study;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("status", "Show which experiments are done, failed or pending");
    options->study.add_to(*command);
    command->add_flag("--json", options->json, "As JSON");
    command->callback([options, &chosen] {
        chosen = [options] { return status(options->study, options->json); };
    });
}

}  // namespace aocq::app
