// SPDX-License-Identifier: Apache-2.0
#include "config/Axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "config/KeyPath.hpp"
#include "config/Specs.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

constexpr std::size_t most_subset_elements = 16;
const std::vector<std::string> key_roots = {
    "bits", "seed", "model", "data.calibration", "data.evaluation", "method", "rule"};

bool is_axis_key(const std::string& key) {
    if (key == "bits" || key == "seed") return true;
    if (!parse_key_path(key)) return false;
    return std::any_of(key_roots.begin() + 2, key_roots.end(), [&](const std::string& root) {
        return key != root && is_inside(key, root);
    });
}

void check_key(const std::string& key, const std::string& key_path) {
    if (is_axis_key(key)) return;
    Error error = Error::config("no axis can go over this key");
    const std::string_view root = std::string_view(key).substr(0, key.find_first_of(".["));
    if (const auto guess = nearest(root, key_roots); !guess.empty() && guess != root) {
        error.advise("did you mean '" + guess + key.substr(root.size()) + "'?");
    }
    throw error.at("key", key_path)
        .found(key)
        .wanted("bits, seed, or a key below " + join(std::span(key_roots).subspan(2), ", "));
}

void check_value(const std::string& key, const Json& value, const std::string& path) {
    if (key == "bits") read_bits(value, path);
    if (key != "seed") return;
    const bool natural = value.is_number_integer() && value.get<std::int64_t>() >= 0;
    if (!natural) {
        throw Error::config("not a seed")
            .at("key", path)
            .found(value.dump())
            .wanted("a whole number from 0");
    }
}

const Json& require_list(const Json& value, const std::string& path) {
    if (!value.is_array()) {
        throw Error::config("wrong type in the configuration")
            .at("key", path)
            .found(value.type_name())
            .wanted("a list of values");
    }
    if (value.empty()) throw Error::config("an axis without values").at("key", path);
    return value;
}

// All subsets; bit i of the running number is element i, so the empty set comes first.
Json subsets_of(const Json& elements, const std::string& path) {
    require_list(elements, path);
    if (elements.size() > most_subset_elements) {
        throw Error::config("too many elements for all their subsets")
            .at("key", path)
            .found(std::to_string(elements.size()))
            .wanted(fmt::format("at most {}", most_subset_elements));
    }
    Json all = Json::array();
    for (std::size_t mask = 0; mask < (std::size_t{1} << elements.size()); ++mask) {
        Json subset = Json::array();
        for (std::size_t i = 0; i < elements.size(); ++i) {
            if ((mask >> i) & 1U) subset.push_back(elements[i]);
        }
        all.push_back(subset);
    }
    return all;
}

void refuse_repeated_points(const std::vector<std::vector<Json>>& points, const std::string& path) {
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const std::string text = Json(points[i]).dump();
        if (seen.insert(text).second) continue;
        throw Error::config("an axis has a value twice").at("key", child_path(path, i)).found(text);
    }
}

Axis simple_axis(Fields& fields) {
    Axis axis{fields.path(), {fields.text("key")}, {fields.path_of("key")}, {}};
    check_key(axis.keys[0], axis.key_paths[0]);
    const bool subsets = fields.has("subsets");
    if (subsets == fields.has("values")) {
        fields.fail(subsets ? "subsets" : "key",
                    Error::config("an axis needs either values or subsets").wanted("one of them"));
    }
    const std::string path = fields.path_of(subsets ? "subsets" : "values");
    const Json listed = fields.value(subsets ? "subsets" : "values");
    const Json values = subsets ? subsets_of(listed, path) : require_list(listed, path);
    for (std::size_t i = 0; i < values.size(); ++i) {
        check_value(axis.keys[0], values[i], subsets ? path : child_path(path, i));
        axis.points.push_back({values[i]});
    }
    refuse_repeated_points(axis.points, path);
    return axis;
}

Axis zip_axis(Fields& fields) {
    for (const char* other : {"key", "values", "subsets"}) {
        if (!fields.has(other)) continue;
        fields.fail(other, Error::config("an axis has either zip or key").wanted("one of them"));
    }
    const std::string path = fields.path_of("zip");
    const Json zip = fields.value("zip");
    if (!zip.is_object() || zip.empty()) {
        fields.fail("zip", Error::config("wrong type in the configuration")
                               .found(zip.dump())
                               .wanted("{ \"key.path\" = [values], ... }"));
    }
    Axis axis{fields.path(), {}, {}, {}};
    for (const auto& [key, values] : flatten(zip)) {
        const std::string here = child_path(path, key);
        check_key(key, here);
        require_list(values, here);
        if (axis.keys.empty()) axis.points.resize(values.size());
        if (values.size() != axis.points.size()) {
            throw Error::config("the lists of a zip differ in length")
                .at("key", here)
                .found(fmt::format("{} values", values.size()))
                .wanted(fmt::format("{}, as {} has", axis.points.size(), axis.keys[0]));
        }
        axis.keys.push_back(key);
        axis.key_paths.push_back(here);
        for (std::size_t i = 0; i < values.size(); ++i) {
            check_value(key, values[i], child_path(here, i));
            axis.points[i].push_back(values[i]);
        }
    }
    refuse_repeated_points(axis.points, axis.key_paths.empty() ? path : axis.key_paths[0]);
    return axis;
}

void refuse_overlaps(const std::vector<Axis>& axes) {
    std::vector<std::string> seen;
    for (const auto& axis : axes) {
        for (std::size_t i = 0; i < axis.keys.size(); ++i) {
            const auto& key = axis.keys[i];
            for (const auto& other : seen) {
                if (!is_inside(key, other) && !is_inside(other, key)) continue;
                throw Error::config(key == other ? "two axes go over the same key"
                                                 : "an axis goes over a part of another axis' key")
                    .at("key", axis.key_paths[i])
                    .found(key)
                    .at("other", other);
            }
            seen.push_back(key);
        }
    }
}

void limit_product(const std::vector<Axis>& axes) {
    std::size_t product = 1;
    for (const auto& axis : axes) {
        product *= axis.points.size();
        if (product <= most_experiments) continue;
        throw Error::config("the axes give too many experiments")
            .advise("split the study; what an exclude drops counts too")
            .at("key", axis.path)
            .wanted(fmt::format("at most {}", most_experiments));
    }
}

bool matches(const Exclude& exclude, const Coordinates& coordinates) {
    return std::all_of(exclude.conditions.begin(), exclude.conditions.end(), [&](const auto& wish) {
        return std::find(coordinates.begin(), coordinates.end(), wish) != coordinates.end();
    });
}

// Advances like an odometer; false after the last combination.
bool advance(std::vector<std::size_t>& at, const std::vector<Axis>& axes) {
    for (std::size_t i = axes.size(); i-- > 0;) {
        if (++at[i] < axes[i].points.size()) return true;
        at[i] = 0;
    }
    return false;
}

}  // namespace

std::vector<Axis> read_axes(Fields& root) {
    std::vector<Axis> axes;
    for (auto& fields : root.objects("axis")) {
        know_only(fields, {"key", "values", "subsets", "zip"});
        axes.push_back(fields.has("zip") ? zip_axis(fields) : simple_axis(fields));
    }
    refuse_overlaps(axes);
    limit_product(axes);
    return axes;
}

std::vector<Exclude> read_excludes(Fields& root, const std::vector<Axis>& axes) {
    std::vector<std::string> keys;
    for (const auto& axis : axes) keys.insert(keys.end(), axis.keys.begin(), axis.keys.end());
    std::vector<Exclude> excludes;
    const Json tables = root.value("exclude");
    for (const auto& fields : root.objects("exclude")) {
        Exclude exclude{fields.path(), flatten(tables[excludes.size()])};
        if (exclude.conditions.empty()) {
            throw Error::config("an exclude without conditions drops everything")
                .at("key", exclude.path);
        }
        for (const auto& [key, value] : exclude.conditions) {
            if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
            Error error = Error::config("an exclude names a key that no axis has");
            if (const auto guess = nearest(key, keys); !guess.empty()) {
                error.advise("did you mean '" + guess + "'?");
            }
            throw error.at("key", fields.path_of(key))
                .found(key)
                .wanted(keys.empty() ? "an axis" : "one of " + join(keys, ", "));
        }
        excludes.push_back(std::move(exclude));
    }
    return excludes;
}

std::vector<Coordinates> combinations(const std::vector<Axis>& axes,
                                      const std::vector<Exclude>& excludes) {
    std::vector<Coordinates> kept;
    std::vector<std::size_t> dropped(excludes.size(), 0);
    std::vector<std::size_t> at(axes.size(), 0);
    do {
        Coordinates here;
        for (std::size_t i = 0; i < axes.size(); ++i) {
            for (std::size_t k = 0; k < axes[i].keys.size(); ++k) {
                here.emplace_back(axes[i].keys[k], axes[i].points[at[i]][k]);
            }
        }
        bool drop = false;
        for (std::size_t i = 0; i < excludes.size(); ++i) {
            if (!matches(excludes[i], here)) continue;
            drop = true;
            ++dropped[i];
        }
        if (!drop) kept.push_back(std::move(here));
    } while (advance(at, axes));
    for (std::size_t i = 0; i < excludes.size(); ++i) {
        if (dropped[i] > 0) continue;
        throw Error::config("an exclude drops nothing")
            .advise("remove it, or compare its values with those of the axes")
            .at("key", excludes[i].path)
            .found(describe(excludes[i].conditions));
    }
    if (kept.empty()) throw Error::config("the excludes drop everything").at("key", "exclude");
    return kept;
}

std::string describe(const Coordinates& coordinates) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : coordinates) {
        parts.push_back(key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
    }
    return parts.empty() ? "no axis" : join(parts, " ");
}

}  // namespace aocq::config
