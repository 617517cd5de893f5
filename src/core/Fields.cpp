// SPDX-License-Identifier: Apache-2.0
#include "core/Fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/Text.hpp"

namespace aocq {
namespace {

// The value as its author would write it, cut to what a message can hold.
std::string excerpt(const Json& value) {
    constexpr std::size_t longest = 80;
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() <= longest) return text;
    std::size_t cut = longest;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
    return text.substr(0, cut) + "...";
}

// A 64-bit unsigned number beyond int64 would wrap to a negative one.
bool in_range(const Json& integer, std::int64_t low, std::int64_t high) {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (integer.is_number_unsigned() && integer.get<std::uint64_t>() > largest) return false;
    const auto number = integer.get<std::int64_t>();
    return number >= low && number <= high;
}

}  // namespace

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object_.is_object()) {
        throw Error::config("wrong type in the configuration")
            .at("key", path_)
            .found(object_.type_name())
            .wanted("table");
    }
}

std::string Fields::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* Fields::find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    const auto entry = object_.find(std::string(key));
    return entry == object_.end() ? nullptr : &*entry;
}

bool Fields::has(std::string_view key) {
    return find(key) != nullptr;
}

const Json& Fields::require(std::string_view key, const char* type) {
    const Json* value = find(key);
    if (!value) {
        throw Error::config("a required key is missing").at("key", path_of(key)).wanted(type);
    }
    return *value;
}

void Fields::wrong_type(std::string_view key, const Json& value, const char* type) const {
    throw Error::config("wrong type in the configuration")
        .at("key", path_of(key))
        .found(excerpt(value))
        .wanted(type);
}

void Fields::wrong_choice(std::string_view key, const std::string& word,
                          const std::vector<std::string>& names) const {
    Error error = Error::config("unknown value");
    if (const auto guess = nearest(word, names); !guess.empty()) {
        error.advise(fmt::format("did you mean '{}'?", guess));
    }
    throw error.at("key", path_of(key)).found(word).wanted("one of " + join(names, ", "));
}

void Fields::fail(std::string_view key, Error error) const {
    throw error.at("key", path_of(key));
}

std::string Fields::text(std::string_view key) {
    const Json& value = require(key, "text");
    if (!value.is_string()) wrong_type(key, value, "text");
    return value.get<std::string>();
}

std::string Fields::text(std::string_view key, std::string fallback) {
    return has(key) ? text(key) : std::move(fallback);
}

std::int64_t Fields::integer(std::string_view key, std::int64_t low, std::int64_t high) {
    const Json& value = require(key, "integer");
    if (!value.is_number_integer()) wrong_type(key, value, "integer");
    if (!in_range(value, low, high)) {
        throw Error::config("value out of range")
            .at("key", path_of(key))
            .found(excerpt(value))
            .wanted(fmt::format("{}..{}", low, high));
    }
    return value.get<std::int64_t>();
}

std::int64_t Fields::integer(std::string_view key, std::int64_t low, std::int64_t high,
                             std::int64_t fallback) {
    return has(key) ? integer(key, low, high) : fallback;
}

double Fields::number(std::string_view key, double low, double high) {
    const Json& value = require(key, "number");
    if (!value.is_number()) wrong_type(key, value, "number");
    const auto number = value.get<double>();
    if (!(number >= low && number <= high)) {
        throw Error::config("value out of range")
            .at("key", path_of(key))
            .found(fmt::format("{}", number))
            .wanted(fmt::format("{}..{}", low, high));
    }
    return number;
}

double Fields::number(std::string_view key, double low, double high, double fallback) {
    return has(key) ? number(key, low, high) : fallback;
}

bool Fields::flag(std::string_view key, bool fallback) {
    const Json* value = find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) wrong_type(key, *value, "true or false");
    return value->get<bool>();
}

std::vector<std::string> Fields::texts(std::string_view key) {
    const Json* value = find(key);
    if (!value) return {};
    if (value->is_string()) return {value->get<std::string>()};
    const bool all_text =
        value->is_array() &&
        std::all_of(value->begin(), value->end(), [](const Json& e) { return e.is_string(); });
    if (!all_text) wrong_type(key, *value, "text or a list of texts");
    return value->get<std::vector<std::string>>();
}

std::vector<double> Fields::numbers(std::string_view key) {
    const Json* value = find(key);
    if (!value) return {};
    const bool all_numbers =
        value->is_array() && std::all_of(value->begin(), value->end(), [](const Json& e) {
            return e.is_number() && std::isfinite(e.get<double>());
        });
    if (!all_numbers) wrong_type(key, *value, "a list of finite numbers");
    return value->get<std::vector<double>>();
}

std::vector<std::int64_t> Fields::integers(std::string_view key, std::int64_t low,
                                           std::int64_t high) {
    const Json* value = find(key);
    if (!value) return {};
    const bool all_fit =
        value->is_array() && std::all_of(value->begin(), value->end(), [&](const Json& e) {
            return e.is_number_integer() && in_range(e, low, high);
        });
    if (!all_fit)
        wrong_type(key, *value, fmt::format("a list of integers in {}..{}", low, high).c_str());
    return value->get<std::vector<std::int64_t>>();
}

Json Fields::value(std::string_view key) {
    const Json* found = find(key);
    return found ? *found : Json();
}

Fields Fields::object(std::string_view key) {
    const Json* found = find(key);
    return {found ? *found : Json::object(), path_of(key)};
}

std::vector<Fields> Fields::objects(std::string_view key) {
    const Json* found = find(key);
    std::vector<Fields> all;
    if (!found) return all;
    if (!found->is_array()) wrong_type(key, *found, "a list of tables");
    for (std::size_t i = 0; i < found->size(); ++i) {
        all.emplace_back((*found)[i], fmt::format("{}[{}]", path_of(key), i));
    }
    return all;
}

void Fields::finish() const {
    for (const auto& [key, value] : object_.items()) {
        if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
        Error error = Error::config("unknown key");
        if (const auto guess = nearest(key, known_); !guess.empty()) {
            error.advise(fmt::format("did you mean '{}'?", guess));
        } else if (known_.empty()) {
            error.advise("remove it: no key is known here");
        } else {
            error.advise("known here: " + join(known_, ", "));
        }
        throw error.at("key", path_of(key));
    }
}

}  // namespace aocq
