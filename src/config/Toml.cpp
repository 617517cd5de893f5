// SPDX-License-Identifier: Apache-2.0
#include "config/Toml.hpp"

#include <toml++/toml.h>

#include <cmath>

#include "config/KeyPath.hpp"

namespace aocq::config {
namespace {

constexpr int deepest = 32;

Position position_of(const toml::source_region& region, const std::string& file) {
    return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

class Converter {
  public:
    explicit Converter(const std::string& file) : file_(file) {}

    Json convert(const toml::node& node, const std::string& path, int depth) {
        if (depth > deepest) {
            refuse(node, path, "nested too deeply", "at most 32 levels");
        }
        if (const auto* table = node.as_table()) return convert_table(*table, path, depth);
        if (const auto* array = node.as_array()) return convert_array(*array, path, depth);
        if (const auto* text = node.as_string()) return text->get();
        if (const auto* integer = node.as_integer()) return integer->get();
        if (const auto* flag = node.as_boolean()) return flag->get();
        if (const auto* number = node.as_floating_point()) {
            if (!std::isfinite(number->get())) {
                refuse(node, path, "a number is not finite", "a finite number");
            }
            return number->get();
        }
        refuse(node, path, "dates and times have no use here", "text in quotes");
    }

    Origins take_origins() { return std::move(origins_); }

  private:
    Json convert_table(const toml::table& table, const std::string& path, int depth) {
        Json object = Json::object();
        for (const auto& [key, value] : table) {
            const std::string here = child_path(path, key.str());
            const auto& region = key.source().begin.line > 0 ? key.source() : value.source();
            origins_[here] = position_of(region, file_);
            object[std::string(key.str())] = convert(value, here, depth + 1);
        }
        return object;
    }

    Json convert_array(const toml::array& array, const std::string& path, int depth) {
        Json list = Json::array();
        for (const auto& value : array) {
            const std::string here = child_path(path, list.size());
            origins_[here] = position_of(value.source(), file_);
            list.push_back(convert(value, here, depth + 1));
        }
        return list;
    }

    [[noreturn]] void refuse(const toml::node& node, const std::string& path, const char* problem,
                             const char* wanted) const {
        const Position place = position_of(node.source(), file_);
        throw Error::config(problem)
            .at("file", place.file)
            .at("line", std::to_string(place.line))
            .at("column", std::to_string(place.column))
            .at("key", path)
            .wanted(wanted);
    }

    const std::string& file_;
    Origins origins_;
};

}  // namespace

PlacedTree parse_toml(std::string_view text, const std::string& file) {
    try {
        const toml::table root = toml::parse(text);
        Converter converter(file);
        PlacedTree result;
        result.tree = converter.convert(root, "", 0);
        result.origins = converter.take_origins();
        result.origins[""] = {file, 1, 1};
        return result;
    } catch (const toml::parse_error& error) {
        const Position place = position_of(error.source(), file);
        throw Error::config("not valid TOML")
            .because(std::string(error.description()))
            .at("file", file)
            .at("line", std::to_string(place.line))
            .at("column", std::to_string(place.column));
    }
}

std::optional<Json> parse_toml_value(std::string_view text) {
    if (text.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    try {
        const toml::table root = toml::parse("value = " + std::string(text));
        const toml::node* value = root.get("value");
        if (!value || root.size() != 1 || value->is_date() || value->is_time() ||
            value->is_date_time()) {
            return std::nullopt;
        }
        const std::string file = "--set";
        return Converter(file).convert(*value, "", 0);
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
}

}  // namespace aocq::config
