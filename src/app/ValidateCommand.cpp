// SPDX-License-Identifier: Apache-2.0
// aocq validate: a study and everything it points at, without running it; with --record-float, what
// the float model gets right, for later studies to be held to.
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/RecordFloat.hpp"
#include "app/StudyArguments.hpp"
#include "engine/Facts.hpp"
#include "engine/FloatGate.hpp"
#include "engine/Work.hpp"
#include "nn/Numerics.hpp"
#include "report/Published.hpp"

namespace aocq::app {
namespace {

struct Options {
    StudyArguments study;
    fs::path record;
    bool json = false;
};

// What is known of every float model of the study.
Json float_references(const config::Study& study, const Json& facts) {
    const engine::FloatCounts counts(study.float_counts);
    Json list = Json::array();
    for (const auto& experiment : study.experiments) {
        if (!experiment.bits.is_float()) continue;
        const engine::FloatSubject subject = engine::float_subject(experiment, facts);
        Json known = Json::array();
        for (const auto& reference : counts.references(subject)) {
            known.push_back({{"top1", reference.top1},
                             {"tolerance", reference.tolerance},
                             {"source", reference.source}});
        }
        list.push_back({{"model", subject.model}, {"images", subject.images}, {"known", known}});
    }
    return list;
}

void print_text(const Json& found) {
    for (const auto& data : found.at("data")) {
        fmt::print("data: {} images, {} classes, fingerprint {}\n",
                   data.at("size").get<std::size_t>(), data.at("classes").get<int>(),
                   data.at("fingerprint").get<std::string>().substr(0, 12));
    }
    for (const auto& model : found.at("models")) {
        fmt::print("weights: fingerprint {}\n",
                   model.at("weights").get<std::string>().substr(0, 12));
    }
    for (const auto& model : found.at("float")) {
        const std::string name = model.at("model");
        if (model.at("known").empty())
            fmt::print("float {}: no known count for these weights and images\n", name);
        for (const auto& known : model.at("known")) {
            fmt::print("float {}: {:.0f} ± {:.0f} of {} images right ({})\n", name,
                       known.at("top1").get<double>(), known.at("tolerance").get<double>(),
                       model.at("images").get<std::int64_t>(),
                       known.at("source").get<std::string>());
        }
    }
    fmt::print("{}: {} experiments, {} units, {} tables; nothing wrong found\n",
               found.at("study").get<std::string>(), found.at("experiments").get<std::size_t>(),
               found.at("units").get<std::size_t>(), found.at("tables").get<std::size_t>());
}

Json values_of(const Json& object) {
    Json list = Json::array();
    for (const auto& [key, value] : object.items()) list.push_back(value);
    return list;
}

int validate(const Options& options) {
    const config::Study study = options.study.load();
    const Json facts = engine::gather_facts(study);
    const std::string numerics =
        nn::numerics_class(nn::choose_device(study.run.device, 0), study.run.threads);
    const engine::Work work = engine::make_work(study, facts, numerics);
    for (const auto& table : study.tables) {
        if (!table.published.file.empty()) report::Published::read(table.published.file);
    }
    const Json found = {{"study", study.name},
                        {"data", values_of(facts.at("data"))},
                        {"models", values_of(facts.at("models"))},
                        {"float", float_references(study, facts)},
                        {"float_gate", config::float_gates.name(study.float_gate)},
                        {"experiments", study.experiments.size()},
                        {"units", work.graph.size()},
                        {"tables", study.tables.size()}};
    if (options.json) {
        fmt::print("{}\n", found.dump(2));
    } else {
        print_text(found);
    }
    if (!options.record.empty()) record_float(study, facts, options.record);
    return exit_done;
}

}  // namespace

void add_validate(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "validate", "Check a study and everything it points at, without running it");
    options->study.add_to(*command);
    command->add_option("--record-float", options->record,
                        "Evaluate the float models and add their counts to this file, for "
                        "instance configs/float/mine.toml");
    command->add_flag("--json", options->json, "As JSON");
    command->callback([options, &chosen] { chosen = [options] { return validate(*options); }; });
}

}  // namespace aocq::app
