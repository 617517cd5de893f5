// SPDX-License-Identifier: Apache-2.0
#include "config/Resolve.hpp"

#include <algorithm>

#include "config/Fragments.hpp"
#include "config/KeyPath.hpp"
#include "config/Origins.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

bool is_use_key(const std::string& key) {
    return std::any_of(use_sections.begin(), use_sections.end(),
                       [&](const UseSection& section) { return section.use_key() == key; });
}

const std::string& written_at(const std::vector<Axis>& axes, const std::string& key) {
    for (const auto& axis : axes) {
        for (std::size_t i = 0; i < axis.keys.size(); ++i) {
            if (axis.keys[i] == key) return axis.key_paths[i];
        }
    }
    AOCQ_ASSERT(!"an assigned key belongs to an axis");
    return key;
}

// What could stand in the place of the step that was not found.
std::string nearest_sibling(const Json& here, const KeyStep& missing) {
    std::vector<std::string> tables;
    if (!here.is_object()) return {};
    for (const auto& [key, value] : here.items()) {
        if (value.is_structured()) tables.push_back(key);
    }
    return nearest(missing.key, tables);
}

void assign(Json& sections, const std::string& key, const Json& value,
            const std::vector<Axis>& axes) {
    const auto path = parse_key_path(key);
    AOCQ_ASSERT(path.has_value());
    Json* here = &sections;
    for (std::size_t i = 0; i + 1 < path->size(); ++i) {
        Json* next = find_child(*here, (*path)[i]);
        if (next && next->is_structured()) {
            here = next;
            continue;
        }
        Error error = Error::config("an axis goes over a key whose table does not exist");
        if (const auto guess = nearest_sibling(*here, (*path)[i]); !guess.empty()) {
            KeyPath better = *path;
            better[i].key = guess;
            error.advise("did you mean '" + to_string(better) + "'?");
        } else {
            const KeyPath parent(path->begin(), path->begin() + static_cast<std::ptrdiff_t>(i) + 1);
            error.advise("add the table " + to_string(parent));
        }
        throw error.at("key", written_at(axes, key)).found(key);
    }
    const KeyStep& last = path->back();
    Json* place = find_child(*here, last);
    if (!place && (last.is_index() || !here->is_object())) {
        throw Error::config("an axis goes over an element that does not exist")
            .at("key", written_at(axes, key))
            .found(key);
    }
    (place ? *place : (*here)[last.key]) = value;
}

// Where the section stands in `sections`, or null.
Json* section_at(Json& sections, const UseSection& section) {
    return const_cast<Json*>(find_value(sections, section.section));
}

void take_in(const Document& document, const UseSection& section, Resolved& resolved) {
    Json* own = section_at(resolved.sections, section);
    if (!own || !own->is_object() || !own->contains("use")) return;
    const Json name = (*own)["use"];
    const auto fragment =
        name.is_string() ? document.fragments.find(fragment_key(section, name.get<std::string>()))
                         : document.fragments.end();
    if (fragment == document.fragments.end()) {
        throw Error::config("'use' names a file that was not read")
            .at("key", section.use_key())
            .found(name.dump());
    }
    own->erase("use");
    *own = merged(fragment->second.tree, *own);
    resolved.uses[std::string(section.section)] = name.get<std::string>();
}

}  // namespace

Resolved resolve(const Document& document, const std::vector<Axis>& axes,
                 const Coordinates& coordinates) {
    Resolved resolved{Json::object(), {}};
    for (const char* key : {"bits", "seed", "model", "data", "method", "rule"}) {
        const auto value = document.tree.find(key);
        if (value != document.tree.end()) resolved.sections[key] = *value;
    }
    for (const auto& [key, value] : coordinates) {
        if (is_use_key(key)) assign(resolved.sections, key, value, axes);
    }
    for (const auto& section : use_sections) take_in(document, section, resolved);
    for (const auto& [key, value] : coordinates) {
        if (!is_use_key(key)) assign(resolved.sections, key, value, axes);
    }
    return resolved;
}

}  // namespace aocq::config
