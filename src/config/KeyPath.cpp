// SPDX-License-Identifier: Apache-2.0
#include "config/KeyPath.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace aocq::config {
namespace {

bool is_key_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

// Reads "[12]" at the start of `text`.
std::optional<KeyStep> take_index(std::string_view& text) {
    constexpr std::size_t most_digits = 6;
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 2 || end - 1 > most_digits) return std::nullopt;
    KeyStep step;
    for (const char c : text.substr(1, end - 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        step.index = step.index * 10 + static_cast<std::size_t>(c - '0');
    }
    text.remove_prefix(end + 1);
    return step;
}

std::optional<KeyStep> take_key(std::string_view& text) {
    const auto* end = std::find_if_not(text.begin(), text.end(), is_key_character);
    const auto length = static_cast<std::size_t>(end - text.begin());
    if (length == 0) return std::nullopt;
    KeyStep step{std::string(text.substr(0, length)), 0};
    text.remove_prefix(length);
    return step;
}

void flatten_into(const Json& table, const std::string& path,
                  std::vector<std::pair<std::string, Json>>& leaves) {
    for (const auto& [key, value] : table.items()) {
        const std::string here = child_path(path, key);
        if (value.is_object()) {
            flatten_into(value, here, leaves);
        } else {
            leaves.emplace_back(here, value);
        }
    }
}

}  // namespace

std::optional<KeyPath> parse_key_path(std::string_view text) {
    KeyPath path;
    while (true) {
        const auto key = take_key(text);
        if (!key) return std::nullopt;
        path.push_back(*key);
        while (text.starts_with('[')) {
            const auto index = take_index(text);
            if (!index) return std::nullopt;
            path.push_back(*index);
        }
        if (text.empty()) return path;
        if (text.front() != '.') return std::nullopt;
        text.remove_prefix(1);
    }
}

std::string to_string(const KeyPath& path) {
    std::string text;
    for (const auto& step : path) {
        text = step.is_index() ? child_path(text, step.index) : child_path(text, step.key);
    }
    return text;
}

std::string child_path(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string child_path(std::string_view path, std::size_t index) {
    return fmt::format("{}[{}]", path, index);
}

std::string_view parent_path(std::string_view path) {
    const std::size_t cut = path.find_last_of(".[");
    return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
}

bool is_inside(std::string_view path, std::string_view ancestor) {
    if (ancestor.empty()) return true;
    if (!path.starts_with(ancestor)) return false;
    if (path.size() == ancestor.size()) return true;
    const char next = path[ancestor.size()];
    return next == '.' || next == '[';
}

Json* find_child(Json& value, const KeyStep& step) {
    if (step.is_index()) {
        return value.is_array() && step.index < value.size() ? &value[step.index] : nullptr;
    }
    if (!value.is_object()) return nullptr;
    const auto entry = value.find(step.key);
    return entry == value.end() ? nullptr : &*entry;
}

const Json* find_value(const Json& root, std::string_view path) {
    const auto steps = parse_key_path(path);
    AOCQ_EXPECT(steps.has_value());
    const Json* value = &root;
    for (const auto& step : *steps) {
        value = find_child(const_cast<Json&>(*value), step);
        if (!value) return nullptr;
    }
    return value;
}

std::vector<std::pair<std::string, Json>> flatten(const Json& table) {
    std::vector<std::pair<std::string, Json>> leaves;
    flatten_into(table, "", leaves);
    return leaves;
}

}  // namespace aocq::config
