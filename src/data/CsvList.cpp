// SPDX-License-Identifier: Apache-2.0
#include "data/CsvList.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"
#include "data/Synsets.hpp"

namespace aocq::data {
namespace {

constexpr int max_label = 1'000'000;

class Parser {
  public:
    Parser(const fs::path& list, const fs::path& root, const fs::path& synsets)
        : list_(list), root_(root) {
        if (!synsets.empty()) synsets_ = read_synsets(synsets);
    }

    void parse() {
        for (const std::string& line : split(read_text(list_), '\n')) {
            ++line_;
            const std::string_view text = trim(line);
            if (!text.empty()) parse_line(text);
        }
    }

    std::vector<FileEntry> take_entries() { return std::move(entries_); }
    int classes() const { return std::max(highest_ + 1, static_cast<int>(synsets_.size())); }

  private:
    // The last comma divides, since a path may contain some.
    void parse_line(std::string_view text) {
        const std::size_t comma = text.rfind(',');
        if (comma == std::string_view::npos) fail("line has no comma", text, "path,label");
        const std::string_view word = trim(text.substr(comma + 1));
        const std::optional<int> label = label_of(word);
        const bool first = !seen_first_;
        seen_first_ = true;
        if (!label) {
            if (first) return;  // a header
            fail("label is not a class", word,
                 synsets_.empty() ? "a number from 0" : "a number from 0 or a listed class");
        }
        const std::string name(trim(text.substr(0, comma)));
        entries_.push_back({name, checked_size(name), *label});
        highest_ = std::max(highest_, *label);
    }

    std::optional<int> label_of(std::string_view word) const {
        int value = 0;
        const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (code == std::errc() && end == word.data() + word.size()) {
            if (value < 0 || value > max_label) {
                fail("label is out of range", word, fmt::format("0 to {}", max_label));
            }
            if (!synsets_.empty() && value >= static_cast<int>(synsets_.size())) {
                fail("label is beyond the list of classes", word,
                     fmt::format("below {}", synsets_.size()));
            }
            return value;
        }
        const auto found = synsets_.find(std::string(word));
        if (found == synsets_.end()) return std::nullopt;
        return found->second;
    }

    std::uint64_t checked_size(const std::string& name) const {
        const fs::path path(name);
        if (name.empty() || path.is_absolute() ||
            std::find(path.begin(), path.end(), fs::path("..")) != path.end()) {
            fail("path leaves the root folder", name, "a path relative to the root, without ..");
        }
        std::error_code code;
        const std::uint64_t bytes = fs::file_size(root_ / path, code);
        if (code) {
            throw Error::input("listed image is missing")
                .because(code.message())
                .advise("check the root folder and the list")
                .at("file", (root_ / path).string())
                .at("list", fmt::format("{}:{}", list_.string(), line_));
        }
        return bytes;
    }

    [[noreturn]] void fail(const char* problem, std::string_view found, std::string wanted) const {
        throw Error::input(problem)
            .at("file", fmt::format("{}:{}", list_.string(), line_))
            .found(std::string(found))
            .wanted(std::move(wanted));
    }

    fs::path list_;
    fs::path root_;
    std::map<std::string, int> synsets_;
    std::vector<FileEntry> entries_;
    int line_ = 0;
    int highest_ = -1;
    bool seen_first_ = false;
};

FileList parse(const fs::path& list, const fs::path& root, const fs::path& synsets, int classes) {
    Parser parser(list, root, synsets);
    parser.parse();
    return {root, parser.take_entries(), checked_classes(parser.classes(), classes), list};
}

}  // namespace

CsvList::CsvList(const fs::path& list, const fs::path& root, const fs::path& synsets, int classes)
    : FileDataset(parse(list, root, synsets, classes)) {}

}  // namespace aocq::data
