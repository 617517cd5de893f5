// SPDX-License-Identifier: Apache-2.0
// A TOML document as JSON plus the place each key came from, composed of `extends` files,
// environment and overrides.
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

using Origins = std::map<std::string, Position>;  // key path ("axis[0].key") -> place
using Environment = std::function<std::optional<std::string>(const std::string&)>;

// A file of the configs folder that a section takes in with `use`; its key paths start at the
// section.
struct Fragment {
    Json tree = Json::object();
    Origins origins;
};

struct Document {
    Json tree = Json::object();
    Origins origins;
    std::filesystem::path folder;   // of the study file, absolute
    std::filesystem::path configs;  // the folder that `use` looks in; "" where there is none
    // Every file that a `use` of a section or of an axis may name ("models/deit_tiny"): all reading
    // is done at load, expansion touches no file.
    std::map<std::string, Fragment> fragments;
    // The [[count]] tables of configs/float/*.toml, in the order of the files' names: what is known
    // of float models (engine/FloatGate.hpp).
    Json float_counts = Json::array();
};

struct LoadOptions {
    std::vector<std::string> overrides;  // "a.b=c", value in TOML syntax, bare words are text
    std::filesystem::path configs;       // "" : nearest `configs` folder upwards from the study
    Environment environment;             // default: getenv
};

// Reads a study: `extends` (later files and the including file win, tables merged deeply, lists and
// arrays of tables replaced), then the overrides, then `${NAME}` in every text (`$${` stands for
// `${`). Relative file paths (PathKeys.hpp) start at the folder of the file that holds them, those
// of an override at the working folder; they come out absolute. Errors: config with file, line,
// key; usage for an override that is not key=value; input for a file that cannot be read.
Document load_document(const std::filesystem::path& file, const LoadOptions& options);

// Adds file and line of the error's "key" field (or of its nearest parent that has a place).
// An error that has a "file" already comes back as it is.
Error located(const Document& document, Error error);

struct Experiment;
// The same for a key of one experiment's resolved sections: a value that an axis assigned is placed
// at the axis, a value from a `use` file in that file.
Error located(const Document& document, const Experiment& experiment, Error error);

}  // namespace aocq::config
