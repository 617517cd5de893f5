// SPDX-License-Identifier: Apache-2.0
// A TOML document as JSON plus the place each key came from, composed of `extends` files, environment and overrides.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/Error.hpp"
#include "core/Json.hpp"

namespace aocq::config {

struct Position {
    std::string file;  // as the user named it, or "--set"
    int line = 0;
    int column = 0;
};

struct Document {
    Json tree = Json::object();
    std::map<std::string, Position> origins;  // key path ("axis[0].key") -> place
    std::filesystem::path folder;             // of the study file: relative paths start here
    std::filesystem::path configs;            // the folder that `use` looks in
};

struct LoadOptions {
    std::vector<std::string> overrides;  // "a.b=c", value in TOML syntax, bare words are text
    std::filesystem::path configs;       // "" : nearest `configs` folder upwards from the study
    std::function<std::optional<std::string>(const std::string&)> environment;  // default: getenv
};

Document load_document(const std::filesystem::path& file, const LoadOptions& options);

// Adds file and line of the error's "key" field (or of its nearest parent that has a place).
Error located(const Document& document, Error error);

}  // namespace aocq::config
