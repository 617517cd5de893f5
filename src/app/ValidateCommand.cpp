// SPDX-License-Identifier: Apache-2.0
// aocq validate: a study and everything it points at, without running it.
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/StudyArguments.hpp"
#include "engine/Facts.hpp"
#include "engine/Work.hpp"
#include "nn/Numerics.hpp"
#include "report/Published.hpp"

namespace aocq::app {
namespace {

int validate(const StudyArguments& arguments) {
    const config::Study study = arguments.load();
    const Json facts = engine::gather_facts(study);
    const std::string numerics =
        nn::numerics_class(nn::choose_device(study.run.device, 0), study.run.threads);
    const engine::Work work = engine::make_work(study, facts, numerics);
    for (const auto& table : study.tables) {
        if (!table.published.file.empty()) report::Published::read(table.published.file);
    }
    for (const auto& [section, data] : facts.at("data").items()) {
        fmt::print("data: {} images, {} classes, fingerprint {}\n",
                   data.at("size").get<std::size_t>(), data.at("classes").get<int>(),
                   data.at("fingerprint").get<std::string>().substr(0, 12));
    }
    for (const auto& [section, model] : facts.at("models").items()) {
        fmt::print("weights: fingerprint {}\n",
                   model.at("weights").get<std::string>().substr(0, 12));
    }
    fmt::print("{}: {} experiments, {} units, {} tables; nothing wrong found\n", study.name,
               study.experiments.size(), work.graph.size(), study.tables.size());
    return exit_done;
}

}  // namespace

void add_validate(CLI::App& app, Chosen& chosen) {
    auto arguments = std::make_shared<StudyArguments>();
    CLI::App* command = app.add_subcommand(
        "validate", "Check a study and everything it points at, without running it");
    arguments->add_to(*command);
    command->callback(
        [arguments, &chosen] { chosen = [arguments] { return validate(*arguments); }; });
}

}  // namespace aocq::app
