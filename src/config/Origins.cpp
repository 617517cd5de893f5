// SPDX-License-Identifier: Apache-2.0
#include "config/Origins.hpp"

#include "config/KeyPath.hpp"

namespace aocq::config {
namespace {

void copy_origins(const Origins& from, std::string_view path, Origins& to) {
    for (auto entry = from.lower_bound(std::string(path));
         entry != from.end() && entry->first.starts_with(path); ++entry) {
        if (is_inside(entry->first, path)) to[entry->first] = entry->second;
    }
}

void merge_tables(Json& base, Origins& base_origins, const Json& top, const Origins& top_origins,
                  const std::string& path) {
    for (const auto& [key, value] : top.items()) {
        const std::string here = child_path(path, key);
        const auto old = base.find(key);
        if (old != base.end() && old->is_object() && value.is_object()) {
            if (const auto place = top_origins.find(here); place != top_origins.end()) {
                base_origins[here] = place->second;
            }
            merge_tables(*old, base_origins, value, top_origins, here);
            continue;
        }
        base[key] = value;
        forget_origins(base_origins, here);
        copy_origins(top_origins, here, base_origins);
    }
}

}  // namespace

const Position* origin_of(const Origins& origins, std::string_view path) {
    while (true) {
        const auto entry = origins.find(std::string(path));
        if (entry != origins.end()) return &entry->second;
        if (path.empty()) return nullptr;
        path = parent_path(path);
    }
}

void forget_origins(Origins& origins, std::string_view path) {
    auto entry = origins.lower_bound(std::string(path));
    while (entry != origins.end() && entry->first.starts_with(path)) {
        entry = is_inside(entry->first, path) ? origins.erase(entry) : std::next(entry);
    }
}

void merge_over(PlacedTree& base, const PlacedTree& top) {
    merge_tables(base.tree, base.origins, top.tree, top.origins, "");
    if (const auto root = top.origins.find(""); root != top.origins.end()) {
        base.origins[""] = root->second;
    }
}

Json merged(Json base, const Json& top) {
    for (const auto& [key, value] : top.items()) {
        Json& old = base[key];
        old = old.is_object() && value.is_object() ? merged(std::move(old), value) : value;
    }
    return base;
}

Error placed_at(const Position& position, Error error) {
    error.at("file", position.file);
    if (position.line > 0) error.at("line", std::to_string(position.line));
    return error;
}

Error placed(const Origins& origins, Error error) {
    if (!error.field("file").empty()) return error;
    const Position* position = nullptr;
    for (const auto& [name, value] : error.fields()) {
        if (name == "key") position = origin_of(origins, value);
    }
    return position ? placed_at(*position, std::move(error)) : error;
}

}  // namespace aocq::config
