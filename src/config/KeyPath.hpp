// SPDX-License-Identifier: Apache-2.0
// Key paths like "method.pass[2].iterations": how messages, axes and overrides name a place in a
// document.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/Json.hpp"

namespace aocq::config {

struct KeyStep {
    std::string key;        // "" for an index
    std::size_t index = 0;  // into a list
    bool is_index() const { return key.empty(); }
};
using KeyPath = std::vector<KeyStep>;

// Keys are [A-Za-z0-9_-]+; nullopt for anything else, for an empty path and for one that starts
// with an index.
std::optional<KeyPath> parse_key_path(std::string_view text);
std::string to_string(const KeyPath& path);

std::string child_path(std::string_view path, std::string_view key);
std::string child_path(std::string_view path, std::size_t index);
// "a.b[0]" -> "a.b" -> "a" -> "".
std::string_view parent_path(std::string_view path);
// True for the ancestor itself and for everything below it; all is below "".
bool is_inside(std::string_view path, std::string_view ancestor);

// The child of a table or list, or null where there is none.
Json* find_child(Json& value, const KeyStep& step);
const Json* find_value(const Json& root, std::string_view path);

// The leaves below a table with their paths relative to it: {"a": {"b": 1}} and {"a.b": 1} give the
// same.
std::vector<std::pair<std::string, Json>> flatten(const Json& table);

}  // namespace aocq::config
