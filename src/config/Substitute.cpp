// SPDX-License-Identifier: Apache-2.0
#include "config/Substitute.hpp"

#include <cctype>
#include <filesystem>

#include "config/KeyPath.hpp"
#include "config/PathKeys.hpp"

namespace aocq::config {
namespace {

bool is_variable_name(std::string_view name) {
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
    for (const char c : name) {
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
    }
    return true;
}

std::string value_of(const std::string& name, const Environment& environment,
                     const std::string& key) {
    if (!is_variable_name(name)) {
        throw Error::config("not the name of an environment variable")
            .advise("write $${ for the characters ${ themselves")
            .at("key", key)
            .found("${" + name)
            .wanted("${NAME}");
    }
    if (auto value = environment(name)) return *value;
    throw Error::config("an environment variable is not set")
        .advise("set it, or write the value itself")
        .at("variable", name)
        .at("key", key);
}

// TOML is UTF-8, but a variable or an override may hold any bytes, and JSON has no place for them.
std::string require_utf8(std::string text, const std::string& key) {
    try {
        static_cast<void>(Json(text).dump());
    } catch (const Json::type_error&) {
        throw Error::config("text is not UTF-8").at("key", key);
    }
    return text;
}

class Walker {
  public:
    Walker(PlacedTree& document, const Environment& environment, const std::string& section)
        : document_(document), environment_(environment), section_(section) {}

    void walk(Json& value, const std::string& path) {
        if (value.is_string()) value = finished(value.get<std::string>(), path);
        if (value.is_object()) {
            for (auto& [key, child] : value.items()) walk(child, child_path(path, key));
        }
        if (value.is_array()) {
            for (std::size_t i = 0; i < value.size(); ++i) walk(value[i], child_path(path, i));
        }
    }

  private:
    std::string finished(const std::string& written, const std::string& path) const {
        const std::string text = substituted(written, environment_, path);
        const std::string key = assigned_key(document_.tree, path);
        const bool names_file = is_path_key(section_.empty() ? key : child_path(section_, key));
        if (!names_file || text.empty()) return require_utf8(text, path);
        const Position* place = origin_of(document_.origins, path);
        AOCQ_ASSERT(place != nullptr);
        const std::filesystem::path folder = place->file == "--set"
                                                 ? std::filesystem::path()
                                                 : std::filesystem::path(place->file).parent_path();
        return require_utf8(std::filesystem::absolute(folder / text).lexically_normal().string(),
                            path);
    }

    PlacedTree& document_;
    const Environment& environment_;
    const std::string& section_;
};

}  // namespace

std::string substituted(std::string_view text, const Environment& environment,
                        const std::string& key) {
    std::string result;
    while (true) {
        const std::size_t mark = text.find("${");
        result += text.substr(0, mark);
        if (mark == std::string_view::npos) return result;
        if (!result.empty() && mark > 0 && result.back() == '$') {
            result += '{';
            text.remove_prefix(mark + 2);
            continue;
        }
        const std::size_t end = text.find('}', mark);
        const std::size_t length = end == std::string_view::npos ? end : end - mark - 2;
        const std::string name(text.substr(mark + 2, length));
        if (end == std::string_view::npos) value_of("", environment, key);
        result += value_of(name, environment, key);
        text.remove_prefix(end + 1);
    }
}

void substitute_all(PlacedTree& document, const Environment& environment,
                    const std::string& section) {
    try {
        Walker(document, environment, section).walk(document.tree, "");
    } catch (const Error& error) {
        throw placed(document.origins, error);
    }
}

}  // namespace aocq::config
