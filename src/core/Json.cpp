// SPDX-License-Identifier: Apache-2.0
#include "core/Json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

namespace aocq {
namespace {

void require_finite(const Json& value) {
    if (value.is_number_float()) AOCQ_EXPECT(std::isfinite(value.get<double>()));
    if (value.is_structured()) {
        for (const auto& child : value) require_finite(child);
    }
}

// Deepest nesting of brackets outside strings; checked before parsing, since destroying a deep
// value recurses.
int nesting(std::string_view text) {
    int depth = 0, maximum = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
            continue;
        }
        if (c == '"') quoted = true;
        if (c == '{' || c == '[') maximum = std::max(maximum, ++depth);
        if (c == '}' || c == ']') --depth;
    }
    return maximum;
}

// The library keeps the last of two equal keys in silence; which one the author meant is not ours
// to guess.
class DuplicateKeys {
  public:
    explicit DuplicateKeys(std::string_view source) : source_(source) {}

    bool operator()(int, Json::parse_event_t event, const Json& parsed) {
        if (event == Json::parse_event_t::object_start) open_.emplace_back();
        if (event == Json::parse_event_t::object_end) open_.pop_back();
        if (event == Json::parse_event_t::key) {
            const auto& key = parsed.get_ref<const std::string&>();
            if (!open_.back().insert(key).second) {
                throw Error::input("JSON object has a key twice")
                    .at("file", std::string(source_))
                    .at("key", key);
            }
        }
        return true;
    }

  private:
    std::string_view source_;
    std::vector<std::set<std::string>> open_;
};

// File names may hold any bytes; a recorded error must be writable all the same.
std::string valid_utf8(const std::string& text) {
    const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return Json::parse(quoted).get<std::string>();
}

}  // namespace

std::string canonical_json(const Json& value) {
    require_finite(value);
    try {
        return value.dump();
    } catch (const Json::type_error& error) {
        throw Error::input("text is not valid UTF-8").because(error.what());
    }
}

Json parse_json(std::string_view text, std::string_view source) {
    constexpr int deepest = 64;
    if (const int depth = nesting(text); depth > deepest) {
        throw Error::input("JSON is nested too deeply")
            .at("file", std::string(source))
            .found(std::to_string(depth))
            .wanted(fmt::format("at most {}", deepest));
    }
    try {
        DuplicateKeys check(source);
        return Json::parse(text.begin(), text.end(), std::ref(check));
    } catch (const Json::exception& error) {  // a number beyond double is not a parse_error
        throw Error::input("not valid JSON").because(error.what()).at("file", std::string(source));
    }
}

Json to_json(const Error& error) {
    Json fields = Json::array();
    for (const auto& [key, value] : error.fields())
        fields.push_back({valid_utf8(key), valid_utf8(value)});
    return {{"kind", to_string(error.kind())},
            {"problem", valid_utf8(error.problem())},
            {"reason", valid_utf8(error.reason())},
            {"remedy", valid_utf8(error.remedy())},
            {"fields", fields}};
}

Error error_from_json(const Json& value) try {
    Error error(error_kind_from_string(value.at("kind").get<std::string>()),
                value.at("problem").get<std::string>());
    if (const auto reason = value.at("reason").get<std::string>(); !reason.empty()) {
        error.because(reason);
    }
    if (const auto remedy = value.at("remedy").get<std::string>(); !remedy.empty()) {
        error.advise(remedy);
    }
    for (const auto& field : value.at("fields")) {
        error.at(field.at(0).get<std::string>(), field.at(1).get<std::string>());
    }
    return error;
} catch (const Json::exception& wrong) {
    throw Error::input("not a recorded error").because(wrong.what());
}

}  // namespace aocq
