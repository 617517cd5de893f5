// SPDX-License-Identifier: Apache-2.0
// The place of a key that an error names: in the study, at an axis, or in a file taken in with
// `use`.
#include <algorithm>
#include <optional>
#include <vector>

#include "config/Fragments.hpp"
#include "config/KeyPath.hpp"
#include "config/Origins.hpp"
#include "config/Study.hpp"

namespace aocq::config {
namespace {

class Finder {
  public:
    Finder(const Document& document, const Experiment* experiment)
        : document_(document), experiment_(experiment) {}

    // An axis hides what the study and the `use` files say below its key. Otherwise the deepest
    // part of the path that has a place wins; at equal depth the study hides a `use` file.
    const Position* find(std::string_view path) const {
        for (std::string_view here = path; !here.empty(); here = parent_path(here)) {
            if (const auto* place = at_axis(here)) return place;
        }
        for (std::string_view here = path;; here = parent_path(here)) {
            if (const auto* place = exact(document_.origins, here)) return place;
            if (const auto* place = in_fragments(here)) return place;
            if (here.empty()) return nullptr;
        }
    }

  private:
    static const Position* exact(const Origins& origins, std::string_view path) {
        const auto entry = origins.find(std::string(path));
        return entry == origins.end() ? nullptr : &entry->second;
    }

    const Position* at_axis(std::string_view key) const {
        const auto axes = document_.tree.find("axis");
        if (axes == document_.tree.end() || !axes->is_array()) return nullptr;
        if (is_inside(key, "axis"))
            return nullptr;  // a wrong axis over "axis" does not hide itself
        for (std::size_t i = 0; i < axes->size(); ++i) {
            const std::string path = child_path("axis", i);
            if (const auto* place = at_one_axis((*axes)[i], path, key)) return place;
        }
        return nullptr;
    }

    const Position* at_one_axis(const Json& axis, const std::string& path,
                                std::string_view key) const {
        if (!axis.is_object()) return nullptr;
        if (axis.contains("zip") && axis["zip"].is_object()) {
            for (const auto& [name, values] : flatten(axis["zip"])) {
                if (name == key) return value_place(values, child_path(path + ".zip", name), key);
            }
        }
        if (!axis.contains("key") || axis["key"] != key) return nullptr;
        if (!axis.contains("values")) return origin_of(document_.origins, path + ".key");
        return value_place(axis["values"], path + ".values", key);
    }

    // Of the value that the experiment has, or of the whole list.
    const Position* value_place(const Json& values, const std::string& path,
                                std::string_view key) const {
        if (experiment_ && values.is_array()) {
            for (const auto& [name, value] : experiment_->coordinates) {
                const auto entry = std::find(values.begin(), values.end(), value);
                if (name != key || entry == values.end()) continue;
                const auto index = static_cast<std::size_t>(entry - values.begin());
                return origin_of(document_.origins, child_path(path, index));
            }
        }
        return origin_of(document_.origins, path);
    }

    const Position* in_fragments(std::string_view path) const {
        for (const auto& section : use_sections) {
            if (path == section.section || !is_inside(path, section.section)) continue;
            const std::string_view inner = path.substr(section.section.size() + 1);
            for (const auto* fragment : candidates(section)) {
                if (const auto* place = exact(fragment->origins, inner)) return place;
            }
        }
        return nullptr;
    }

    // Without an experiment any file that an axis may choose can be meant; the study's own is
    // first.
    std::vector<const Fragment*> candidates(const UseSection& section) const {
        std::vector<const Fragment*> found;
        const auto add = [&](const std::string& name) {
            const auto entry = document_.fragments.find(fragment_key(section, name));
            if (entry != document_.fragments.end()) found.push_back(&entry->second);
        };
        if (experiment_) {
            const auto use = experiment_->uses.find(std::string(section.section));
            if (use != experiment_->uses.end()) add(use->second);
            return found;
        }
        const Json* use = find_value(document_.tree, section.use_key());
        if (use && use->is_string()) add(use->get<std::string>());
        for (const auto& [key, fragment] : document_.fragments) {
            if (key.starts_with(std::string(section.folder) + "/")) found.push_back(&fragment);
        }
        return found;
    }

    const Document& document_;
    const Experiment* experiment_;
};

Error located_for(const Document& document, const Experiment* experiment, Error error) {
    if (!error.field("file").empty()) return error;
    const std::string key = error.field("key");
    const bool named = std::any_of(error.fields().begin(), error.fields().end(),
                                   [](const auto& field) { return field.first == "key"; });
    const Position* place = named ? Finder(document, experiment).find(key) : nullptr;
    return place ? placed_at(*place, std::move(error)) : error;
}

}  // namespace

Error located(const Document& document, Error error) {
    return located_for(document, nullptr, std::move(error));
}

Error located(const Document& document, const Experiment& experiment, Error error) {
    return located_for(document, &experiment, std::move(error));
}

}  // namespace aocq::config
