// SPDX-License-Identifier: Apache-2.0
// CSV as RFC 4180 has it, strict when reading: what is not well formed is an error with its line.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aocq::report {

struct CsvRecord {
    int line = 0;  // where it starts, from 1
    std::vector<std::string> fields;
};

// All records of a text; LF or CRLF, a byte order mark is skipped. `source` names the file in
// errors (input).
std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& source);

// One line with its line end; fields are quoted where they have to be.
std::string csv_line(std::span<const std::string> fields);

}  // namespace aocq::report
