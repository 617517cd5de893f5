// SPDX-License-Identifier: Apache-2.0
// [[axis]] and [[exclude]]: which combinations of values a study asks for.
#pragma once

#include <string>
#include <vector>

#include "config/Study.hpp"
#include "core/Fields.hpp"

namespace aocq::config {

// One axis, or several keys that change together (zip): every point gives each key its value.
struct Axis {
    std::string path;  // "axis[0]"
    std::vector<std::string> keys;
    std::vector<std::string> key_paths;  // where each key is written, for messages
    std::vector<std::vector<Json>> points;
};

struct Exclude {
    std::string path;  // "exclude[0]"
    Coordinates conditions;
};

// Error(config) for keys that no axis may have, empty or repeated values, unequal lengths, an axis
// over the same key as another or over a part of it, more than 100,000 combinations.
std::vector<Axis> read_axes(Fields& root);
// Conditions are over axis keys only.
std::vector<Exclude> read_excludes(Fields& root, const std::vector<Axis>& axes);

// Every combination in order, the last axis fastest, less what is excluded. An exclude that drops
// nothing is an error: it says something about the study that is not so.
std::vector<Coordinates> combinations(const std::vector<Axis>& axes,
                                      const std::vector<Exclude>& excludes);

// "bits=W4A4 method.use=aocq", for messages.
std::string describe(const Coordinates& coordinates);

}  // namespace aocq::config
