// SPDX-License-Identifier: Apache-2.0
// `use = "name"`: sections taken from files of the configs folder.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/Document.hpp"

namespace aocq::config {

struct UseSection {
    std::string_view section;
    std::string_view folder;  // of the configs folder
    std::string use_key() const { return std::string(section) + ".use"; }
};
inline constexpr std::array<UseSection, 4> use_sections = {{
    {"model", "models"},
    {"method", "methods"},
    {"data.calibration", "datasets"},
    {"data.evaluation", "datasets"},
}};

// "models/deit_tiny"
std::string fragment_key(const UseSection& section, std::string_view name);

// The nearest folder `configs` beside or above the folder; "" where there is none.
std::filesystem::path nearest_configs(const std::filesystem::path& folder);

// Reads the file of every `use` of the document's sections and axes into document.fragments.
// Error(config) with file, line, key, the nearest name and all available ones.
void load_fragments(Document& document, const Environment& environment);

// The [[count]] tables of every file in `configs`/float; empty where there is no such folder.
// Error(config) for a file with anything else in it.
Json read_float_counts(const std::filesystem::path& configs, const Environment& environment);

}  // namespace aocq::config
