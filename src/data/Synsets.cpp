// SPDX-License-Identifier: Apache-2.0
#include "data/Synsets.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"

namespace aocq::data {
namespace {

constexpr int max_label = 1'000'000;

}  // namespace

std::map<std::string, int> read_synsets(const std::filesystem::path& file) {
    std::map<std::string, int> synsets;
    int line_number = 0;
    for (const std::string& line : split(read_text(file), '\n')) {
        ++line_number;
        const std::string_view text = trim(line);
        if (text.empty()) continue;
        const std::string name(text.substr(0, text.find_first_of(" \t")));
        if (!synsets.emplace(name, static_cast<int>(synsets.size())).second) {
            throw Error::input("class is listed twice")
                .at("file", fmt::format("{}:{}", file.string(), line_number))
                .found(name);
        }
    }
    if (synsets.empty()) {
        throw Error::input("list of classes is empty").at("file", file.string());
    }
    return synsets;
}

ClassNames::ClassNames(const std::filesystem::path& synsets) {
    if (!synsets.empty()) indices_ = read_synsets(synsets);
}

std::optional<int> ClassNames::label_of(std::string_view word) const {
    int value = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (end != word.data() + word.size() || code == std::errc::invalid_argument) {
        const auto found = indices_.find(std::string(word));
        if (found == indices_.end()) return std::nullopt;
        return found->second;
    }
    const int beyond = indices_.empty() ? max_label + 1 : count();
    if (code == std::errc() && value >= 0 && value < beyond) return value;
    throw Error::input("label is out of range")
        .found(std::string(word))
        .wanted(fmt::format("0 to {}", beyond - 1));
}

const char* ClassNames::wanted() const {
    return indices_.empty() ? "a number from 0" : "a number from 0 or a listed class";
}

}  // namespace aocq::data
