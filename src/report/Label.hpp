// SPDX-License-Identifier: Apache-2.0
// How axis keys and their values are called in tables.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/Study.hpp"
#include "core/Json.hpp"

namespace aocq::report {

// Text as it is, arrays as "a+b" (empty: "none"), null "default", the rest as JSON.
std::string label_of(const Json& value);

// The label of one axis of an experiment; nothing where it has no such axis.
std::optional<std::string> label_at(const config::Coordinates& coordinates, std::string_view key);

// "method.observer" -> "observer", "method.use" -> "method", the full key where two would be called
// the same.
std::vector<std::string> short_names(std::span<const std::string> keys);

// Experiments that differ in nothing else are repetitions.
bool is_seed_key(std::string_view key);

// Control characters become blanks: messages of other programs end up in tables.
std::string one_line(std::string text);

}  // namespace aocq::report
