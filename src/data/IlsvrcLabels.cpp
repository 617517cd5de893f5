// SPDX-License-Identifier: Apache-2.0
#include "data/IlsvrcLabels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"

namespace aocq::data {
namespace {

constexpr std::string_view separators = " \t,";

std::optional<int> number(std::string_view word) {
    int value = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (code != std::errc() || end != word.data() + word.size() || value < 0) return std::nullopt;
    return value;
}

std::string_view take_word(std::string_view& text) {
    const std::size_t first = std::min(text.find_first_not_of(separators), text.size());
    text.remove_prefix(first);
    const std::string_view word = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(word.size());
    return word;
}

// Lines without the empty ones at the end: those in between count, since the place is the number.
std::vector<std::string> lines_of(const fs::path& file) {
    std::vector<std::string> lines = split(read_text(file), '\n');
    while (!lines.empty() && trim(lines.back()).empty()) lines.pop_back();
    return lines;
}

[[noreturn]] void fail(const char* problem, const fs::path& file, std::size_t line,
                       std::string_view found, const char* wanted) {
    throw Error::input(problem)
        .at("file", fmt::format("{}:{}", file.string(), line))
        .found(std::string(found))
        .wanted(wanted);
}

void check_complete(const std::map<int, int>& ids, std::size_t classes, const fs::path& file) {
    const auto named = static_cast<std::size_t>(
        std::count_if(ids.begin(), ids.end(), [](const auto& row) { return row.second >= 0; }));
    if (named < classes) {
        throw Error::input("classes have no id")
            .advise("give the kit's list of ids and the list of classes that belongs to it")
            .at("file", file.string())
            .found(fmt::format("{} of the listed classes", named))
            .wanted(fmt::format("all {}", classes));
    }
}

void check_order(const std::map<int, int>& ids, std::size_t classes, const fs::path& file) {
    if (classes < 2) return;
    int last = -1;
    for (const auto& [id, label] : ids) {
        if (label < 0) continue;
        if (label < last) return;
        last = label;
    }
    throw Error::input("ids are in the order of the synsets, which the kit's are not")
        .because("then this is not the kit's list, or the ground truth does not need one")
        .advise("give the kit's list (from its meta.mat), or another value of `order`")
        .at("file", file.string());
}

}  // namespace

std::vector<int> read_ground_truth(const fs::path& file) {
    std::vector<int> ids;
    for (const std::string& line : lines_of(file)) {
        const auto id = number(trim(line));
        if (!id)
            fail("ground truth is no number", file, ids.size() + 1, trim(line), "one id a line");
        ids.push_back(*id);
    }
    if (ids.empty()) throw Error::input("ground truth is empty").at("file", file.string());
    return ids;
}

std::map<int, int> read_ilsvrc_ids(const fs::path& file,
                                   const std::map<std::string, int>& synsets) {
    constexpr const char* wanted = "id synset";
    std::map<int, int> ids;
    std::set<std::string> seen;
    std::size_t line_number = 0;
    for (const std::string& line : lines_of(file)) {
        ++line_number;
        std::string_view rest = trim(line);
        if (rest.empty()) continue;
        const auto id = number(take_word(rest));
        if (!id && line_number == 1) continue;  // a header
        const std::string synset(take_word(rest));
        if (!id || synset.empty()) fail("line names no id", file, line_number, line, wanted);
        const auto found = synsets.find(synset);
        const int label = found == synsets.end() ? -1 : found->second;
        if (!ids.emplace(*id, label).second) {
            fail("id is listed twice", file, line_number, line, "each id once");
        }
        if (!seen.insert(synset).second) {
            fail("synset is listed twice", file, line_number, line, "each synset once");
        }
    }
    check_complete(ids, synsets.size(), file);
    check_order(ids, synsets.size(), file);
    return ids;
}

}  // namespace aocq::data
