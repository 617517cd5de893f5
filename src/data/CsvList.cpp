// SPDX-License-Identifier: Apache-2.0
#include "data/CsvList.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"
#include "data/Synsets.hpp"

namespace aocq::data {
namespace {

class Parser {
  public:
    Parser(const fs::path& list, const fs::path& root, const fs::path& synsets)
        : list_(list), root_(root), classes_(synsets) {}

    void parse() {
        for (const std::string& line : split(read_text(list_), '\n')) {
            ++line_;
            const std::string_view text = trim(line);
            if (!text.empty()) parse_line(text);
        }
    }

    std::vector<FileEntry> take_entries() { return std::move(entries_); }
    int classes() const { return std::max(highest_ + 1, classes_.count()); }

  private:
    // The last comma divides, since a path may contain some; without any, the last blank does.
    void parse_line(std::string_view text) {
        std::size_t border = text.rfind(',');
        if (border == std::string_view::npos) border = text.find_last_of(" \t");
        if (border == std::string_view::npos) {
            fail("line is no pair", text, "path,label or path label");
        }
        const std::string_view word = trim(text.substr(border + 1));
        const std::optional<int> label = label_of(word);
        const bool first = !seen_first_;
        seen_first_ = true;
        if (!label) {
            if (first) return;  // a header
            fail("label is not a class", word, classes_.wanted());
        }
        const std::string name(trim(text.substr(0, border)));
        entries_.push_back({name, checked_size(name), *label, name});
        highest_ = std::max(highest_, *label);
    }

    std::optional<int> label_of(std::string_view word) const {
        try {
            return classes_.label_of(word);
        } catch (Error& error) {
            throw error.at("file", place());
        }
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
                .at("list", place());
        }
        return bytes;
    }

    std::string place() const { return fmt::format("{}:{}", list_.string(), line_); }

    [[noreturn]] void fail(const char* problem, std::string_view found, std::string wanted) const {
        throw Error::input(problem)
            .at("file", place())
            .found(std::string(found))
            .wanted(std::move(wanted));
    }

    fs::path list_;
    fs::path root_;
    ClassNames classes_;
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
