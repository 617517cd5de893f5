// SPDX-License-Identifier: Apache-2.0
#include "core/Error.hpp"

#include <fmt/format.h>

#include "core/EnumTable.hpp"

namespace aocq {
namespace {

constexpr EnumTable<ErrorKind, 6> kinds{{{
    {ErrorKind::usage, "usage"},
    {ErrorKind::config, "config"},
    {ErrorKind::input, "input"},
    {ErrorKind::environment, "environment"},
    {ErrorKind::numeric, "numeric"},
    {ErrorKind::internal, "internal"},
}}};

}  // namespace

int exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage:
        case ErrorKind::config:
        case ErrorKind::input:
        case ErrorKind::environment:
            return exit_usage;
        case ErrorKind::numeric:
            return exit_some_failed;
        case ErrorKind::internal:
            break;
    }
    return exit_internal;
}

std::string_view to_string(ErrorKind kind) {
    return kinds.name(kind);
}

ErrorKind error_kind_from_string(std::string_view name) {
    return kinds.find(name).value_or(ErrorKind::internal);
}

Error::Error(ErrorKind kind, std::string problem) : kind_(kind), problem_(std::move(problem)) {
    compose();
}

Error& Error::because(std::string reason) {
    reason_ = std::move(reason);
    compose();
    return *this;
}

Error& Error::advise(std::string remedy) {
    remedy_ = std::move(remedy);
    compose();
    return *this;
}

Error& Error::at(std::string_view key, std::string value) {
    fields_.emplace_back(std::string(key), std::move(value));
    compose();
    return *this;
}

std::string Error::field(std::string_view key) const {
    for (const auto& [name, value] : fields_) {
        if (name == key) return value;
    }
    return {};
}

void Error::compose() {
    message_ = problem_;
    if (!reason_.empty()) message_ += " (" + reason_ + ")";
    if (!remedy_.empty()) message_ += ": " + remedy_;
    if (fields_.empty()) return;
    message_ += " [";
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        message_ += fmt::format("{}{}={}", i ? " " : "", fields_[i].first, fields_[i].second);
    }
    message_ += "]";
}

void assertion_failed(const char* tier, const char* condition, const char* file, int line) {
    std::string name = file;
    if (auto cut = name.rfind("src/"); cut != std::string::npos) name = name.substr(cut);
    throw Error::internal(fmt::format("{} does not hold: {}", tier, condition))
        .advise("this is a defect of aocq; please report it with the command that led here")
        .at("where", fmt::format("{}:{}", name, line));
}

}  // namespace aocq
