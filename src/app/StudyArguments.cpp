// SPDX-License-Identifier: Apache-2.0
#include "app/StudyArguments.hpp"

#include "core/Files.hpp"
#include "engine/Facts.hpp"

namespace aocq::app {
namespace {

config::Study load_plan(const fs::path& file) {
    try {
        return config::study_from_json(parse_json(read_text(file), file.string()));
    } catch (Error& error) {
        if (error.field("file").empty()) error.at("file", file.string());
        throw;
    }
}

}  // namespace

void StudyArguments::add_to(CLI::App& command) {
    command.add_option("study", study, "Study (.toml), or a plan (.json) that 'aocq plan' wrote")
        ->required();
    command.add_option("--set", overrides, "Override a key, e.g. --set data.evaluation.images=100")
        ->allow_extra_args(false)
        ->take_all();
    command.add_option(
        "--configs", configs,
        "Folder that 'use' looks in (default: the nearest 'configs' above the study)");
    command.add_option("--results", results, "Folder of all results")->capture_default_str();
    command
        .add_option("--cache", cache,
                    "Folder of finished stages, which studies may share (default: inside the "
                    "study's results)")
        ->envname("AOCQ_CACHE");
}

config::Study StudyArguments::load() const {
    if (study.extension() == ".json") {
        if (!overrides.empty()) {
            throw Error::usage("a plan cannot be changed")
                .because("--set was given")
                .advise("make a plan of the changed study");
        }
        return load_plan(study);
    }
    config::LoadOptions options;
    options.overrides = overrides;
    options.configs = configs;
    const config::Document document = config::load_document(study, options);
    config::Study loaded = config::expand(document);
    for (const auto& experiment : loaded.experiments) {
        try {
            engine::check_sections(experiment);
        } catch (const Error& error) {
            throw config::located(document, experiment, error);
        }
    }
    return loaded;
}

}  // namespace aocq::app
