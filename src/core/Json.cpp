// SPDX-License-Identifier: Apache-2.0
#include "core/Json.hpp"

#include <fmt/format.h>

#include <cmath>

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

}  // namespace

std::string canonical_json(const Json& value) {
    require_finite(value);
    return value.dump();
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
        return Json::parse(text.begin(), text.end());
    } catch (const Json::parse_error& error) {
        throw Error::input("not valid JSON").because(error.what()).at("file", std::string(source));
    }
}

Json to_json(const Error& error) {
    Json fields = Json::array();
    for (const auto& [key, value] : error.fields()) fields.push_back({key, value});
    return {{"kind", to_string(error.kind())},
            {"problem", error.problem()},
            {"reason", error.reason()},
            {"remedy", error.remedy()},
            {"fields", fields}};
}

Error error_from_json(const Json& value) {
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
}

}  // namespace aocq
