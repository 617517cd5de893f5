// SPDX-License-Identifier: Apache-2.0
#include "config/Fragments.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "config/Compose.hpp"
#include "config/KeyPath.hpp"
#include "config/Substitute.hpp"
#include "core/Fields.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

namespace fs = std::filesystem;

struct Use {
    const UseSection* section;
    std::string name;
    std::string key;  // where it is written
};

const UseSection* section_of_use(std::string_view key) {
    for (const auto& section : use_sections) {
        if (section.use_key() == key) return &section;
    }
    return nullptr;
}

void add_use(std::vector<Use>& uses, std::string_view key, const Json& value, std::string written) {
    const UseSection* section = section_of_use(key);
    if (!section) return;
    if (!value.is_string()) {
        throw Error::config("wrong type in the configuration")
            .at("key", written)
            .found(value.dump())
            .wanted("text, the name of a file in " + std::string(section->folder));
    }
    uses.push_back({section, value.get<std::string>(), std::move(written)});
}

void add_list(std::vector<Use>& uses, std::string_view key, const Json& values,
              const std::string& written) {
    if (!values.is_array()) return;
    for (std::size_t i = 0; i < values.size(); ++i) {
        add_use(uses, key, values[i], child_path(written, i));
    }
}

// Lenient about the shape of axes: they are checked, with better words, when they are expanded.
void add_axis(std::vector<Use>& uses, const Json& axis, const std::string& path) {
    if (!axis.is_object()) return;
    if (axis.contains("key") && axis["key"].is_string() && axis.contains("values")) {
        add_list(uses, axis["key"].get<std::string>(), axis["values"], path + ".values");
    }
    if (axis.contains("zip") && axis["zip"].is_object()) {
        for (const auto& [key, values] : flatten(axis["zip"])) {
            add_list(uses, key, values, child_path(path + ".zip", key));
        }
    }
}

std::vector<Use> all_uses(const Json& tree) {
    std::vector<Use> uses;
    for (const auto& section : use_sections) {
        const Json* name = find_value(tree, section.use_key());
        if (name) add_use(uses, section.use_key(), *name, section.use_key());
    }
    const auto axes = tree.find("axis");
    if (axes == tree.end() || !axes->is_array()) return uses;
    for (std::size_t i = 0; i < axes->size(); ++i) {
        add_axis(uses, (*axes)[i], child_path("axis", i));
    }
    return uses;
}

bool is_file_stem(std::string_view name) {
    return !name.empty() && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                      c == '.';
           });
}

std::vector<std::string> available(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code code;
    for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
         entry.increment(code)) {
        if (entry->path().extension() == ".toml") names.push_back(entry->path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

[[noreturn]] void unknown_name(const Use& use, const fs::path& folder) {
    const auto names = available(folder);
    Error error = Error::config("'use' names a file that does not exist");
    if (const auto guess = nearest(use.name, names); !guess.empty()) {
        error.advise("did you mean '" + guess + "'?");
    }
    throw error.at("key", use.key)
        .found(use.name)
        .wanted(names.empty() ? "a file in " + folder.string() + ", which holds none"
                              : "one of " + join(names, ", "));
}

fs::path file_of(const Use& use, const fs::path& configs) {
    if (configs.empty()) {
        throw Error::config("'use' needs a folder named configs")
            .because("there is none beside or above the study")
            .advise("name it with --configs")
            .at("key", use.key)
            .found(use.name);
    }
    if (!is_file_stem(use.name)) {
        throw Error::config("'use' wants a plain name")
            .at("key", use.key)
            .found(use.name)
            .wanted("letters, digits, '_', '-', '.', without folder and without .toml");
    }
    const fs::path folder = configs / use.section->folder;
    const fs::path file = folder / (use.name + ".toml");
    std::error_code code;
    if (!fs::is_regular_file(file, code)) unknown_name(use, folder);
    return file;
}

Fragment load_fragment(const Use& use, const fs::path& file, const Environment& environment) {
    PlacedTree content = compose(file, environment);
    if (content.tree.contains("use")) {
        throw placed(content.origins,
                     Error::config("a file taken in with 'use' may not use another")
                         .advise("write extends = \"other.toml\" in it")
                         .at("key", "use"));
    }
    substitute_all(content, environment, std::string(use.section->section));
    return {std::move(content.tree), std::move(content.origins)};
}

}  // namespace

std::string fragment_key(const UseSection& section, std::string_view name) {
    return std::string(section.folder) + "/" + std::string(name);
}

fs::path nearest_configs(const fs::path& folder) {
    std::error_code code;
    for (fs::path here = fs::absolute(folder).lexically_normal();; here = here.parent_path()) {
        if (fs::is_directory(here / "configs", code)) return here / "configs";
        if (here == here.parent_path()) return {};
    }
}

void load_fragments(Document& document, const Environment& environment) {
    try {
        for (const auto& use : all_uses(document.tree)) {
            const std::string key = fragment_key(*use.section, use.name);
            if (document.fragments.contains(key)) continue;
            const fs::path file = file_of(use, document.configs);
            document.fragments[key] = load_fragment(use, file, environment);
        }
    } catch (const Error& error) {
        throw placed(document.origins, error);
    }
}

Json read_float_counts(const fs::path& configs, const Environment& environment) {
    Json counts = Json::array();
    if (configs.empty()) return counts;
    for (const auto& name : available(configs / "float")) {
        const PlacedTree content = compose(configs / "float" / (name + ".toml"), environment);
        try {
            Fields fields(content.tree, "");
            fields.objects("count");
            for (const Json& count : fields.value("count")) counts.push_back(count);
            fields.finish();
        } catch (const Error& error) {
            throw placed(content.origins, error);
        }
    }
    return counts;
}

}  // namespace aocq::config
