// SPDX-License-Identifier: Apache-2.0
#include "config/Overrides.hpp"

#include "config/KeyPath.hpp"
#include "config/Toml.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

[[noreturn]] void refuse(const std::string& text, const char* reason) {
    throw Error::usage("cannot use --set")
        .because(reason)
        .at("file", "--set")
        .found(text)
        .wanted("key.path=value");
}

// What looks like the start of a TOML text, list or table must be one; all else that is not TOML is
// a bare word, and so is what a '#' would cut short.
Json parsed_value(std::string_view value, const std::string& whole) {
    const bool bracketed =
        !value.empty() && std::string_view("\"'[{").find(value.front()) != std::string_view::npos;
    const bool word = !bracketed && value.find('#') != std::string_view::npos;
    if (auto parsed = word ? std::nullopt : parse_toml_value(value)) return *parsed;
    if (bracketed) refuse(whole, "the value is not valid TOML");
    return std::string(value);
}

void assign(PlacedTree& document, const KeyPath& path, Json value) {
    Json* here = &document.tree;
    std::string name;
    for (const auto& step : path) {
        name = step.is_index() ? child_path(name, step.index) : child_path(name, step.key);
        Json* next = find_child(*here, step);
        if (!next && (step.is_index() || !here->is_object())) {
            throw Error::config("--set leads through something that is not there")
                .at("key", to_string(path))
                .found(here->type_name())
                .wanted(step.is_index() ? "a list that is long enough at " + name
                                        : "a table around " + name)
                .at("file", "--set");
        }
        if (!next) {
            next = &(*here)[step.key];
            *next = Json::object();
            document.origins[name] = {"--set", 0, 0};
        }
        here = next;
    }
    *here = std::move(value);
    forget_origins(document.origins, name);
    document.origins[name] = {"--set", 0, 0};
}

}  // namespace

void apply_overrides(PlacedTree& document, const std::vector<std::string>& overrides) {
    for (const auto& text : overrides) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) refuse(text, "there is no '='");
        const auto path = parse_key_path(trim(std::string_view(text).substr(0, equals)));
        if (!path) refuse(text, "the part before '=' is not a key path");
        if (path->front().key == "extends") refuse(text, "files are extended by files only");
        assign(document, *path,
               parsed_value(trim(std::string_view(text).substr(equals + 1)), text));
    }
}

}  // namespace aocq::config
