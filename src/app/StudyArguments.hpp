// SPDX-License-Identifier: Apache-2.0
// What all commands that take a study have in common: the file, its overrides, the folders.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/Document.hpp"
#include "config/Study.hpp"
#include "engine/StudyFolder.hpp"

namespace aocq::app {

struct StudyArguments {
    std::filesystem::path study;
    std::vector<std::string> overrides;
    std::filesystem::path configs;
    std::filesystem::path results = "results/runs";
    std::filesystem::path cache;  // of stages; "": in the study's folder

    void add_to(CLI::App& command);
    // Reads and expands the study (or reads a plan, *.json) and checks every section that needs no
    // file. Errors carry file, line and key.
    config::Study load() const;
    engine::StudyFolder folder(const std::string& name) const { return {results, name, cache}; }
};

}  // namespace aocq::app
