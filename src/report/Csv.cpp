// SPDX-License-Identifier: Apache-2.0
#include "report/Csv.hpp"

#include "core/Error.hpp"

namespace aocq::report {
namespace {

class Parser {
  public:
    Parser(std::string_view text, const std::string& source) : text_(text), source_(source) {
        if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    }

    std::vector<CsvRecord> records() {
        std::vector<CsvRecord> all;
        while (at_ < text_.size()) all.push_back(record());
        return all;
    }

  private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\n'; }
    bool at_line_end() const {
        return here() == '\n' ||
               (here() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
    }

    CsvRecord record() {
        CsvRecord record{line_, {}};
        for (;;) {
            record.fields.push_back(here() == '"' ? quoted() : plain());
            if (here() != ',') break;
            ++at_;
        }
        if (!at_line_end()) fail("text after a closing quote");
        at_ += here() == '\r' ? 2 : 1;
        ++line_;
        return record;
    }

    std::string plain() {
        const std::size_t start = at_;
        while (!at_line_end() && here() != ',') {
            if (here() == '"') fail("a quote inside a field that does not start with one");
            if (here() == '\0' || here() == '\r') fail("a control character");
            ++at_;
        }
        return std::string(text_.substr(start, at_ - start));
    }

    std::string quoted() {
        const int start = line_;
        std::string field;
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\0') fail("a control character");
            if (c == '\n') ++line_;
            if (c == '"') {
                ++at_;
                if (at_ >= text_.size() || text_[at_] != '"') return field;
            }
            field += c;
        }
        line_ = start;
        fail("a quoted field without an end");
    }

    [[noreturn]] void fail(const char* reason) const {
        throw Error::input("not valid CSV")
            .because(reason)
            .at("file", source_)
            .at("line", std::to_string(line_));
    }

    std::string_view text_;
    const std::string& source_;
    std::size_t at_ = 0;
    int line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& source) {
    return Parser(text, source).records();
}

std::string csv_line(std::span<const std::string> fields) {
    std::string line;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i) line += ',';
        if (fields[i].find_first_of(",\"\r\n") == std::string::npos) {
            line += fields[i];
            continue;
        }
        line += '"';
        for (const char c : fields[i]) {
            if (c == '"') line += '"';
            line += c;
        }
        line += '"';
    }
    return line + "\n";
}

}  // namespace aocq::report
