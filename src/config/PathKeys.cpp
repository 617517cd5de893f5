// SPDX-License-Identifier: Apache-2.0
#include "config/PathKeys.hpp"

#include <algorithm>
#include <array>

#include "config/KeyPath.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

constexpr std::array<std::string_view, 9> path_keys = {
    "model.weights",  "data.*.root",         "data.*.list",
    "data.*.synsets", "data.*.ground_truth", "data.*.ids",
    "data.*.shards",  "data.*.subset",       "table[*].published.file",
};

std::string_view after(std::string_view text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    return at == std::string_view::npos ? std::string_view{} : text.substr(at + mark.size());
}

}  // namespace

bool is_path_key(std::string_view key_path) {
    return std::any_of(path_keys.begin(), path_keys.end(),
                       [&](std::string_view pattern) { return glob_match(pattern, key_path); });
}

std::string assigned_key(const Json& tree, std::string_view path) {
    if (path.starts_with("exclude[")) return std::string(after(path, "]."));
    if (!path.starts_with("axis[")) return std::string(path);
    if (const auto zipped = after(path, "].zip."); !zipped.empty()) {
        return std::string(zipped.substr(0, zipped.rfind('[')));
    }
    const std::string key = std::string(path.substr(0, path.find(']') + 1)) + ".key";
    const Json* value =
        path.find("].values[") == std::string_view::npos ? nullptr : find_value(tree, key);
    return value && value->is_string() ? value->get<std::string>() : std::string(path);
}

}  // namespace aocq::config
