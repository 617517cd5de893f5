// SPDX-License-Identifier: Apache-2.0
// A table as text for a terminal or a log, as Markdown, and as CSV. Equal tables give equal bytes.
#pragma once

#include <cstddef>
#include <string>

#include "report/Table.hpp"

namespace aocq::report {

// Aligned columns, at most `width` wide where one column group allows it: more columns continue
// below, with the row labels repeated. Notes are wrapped.
std::string render_text(const Table& table, std::size_t width = 100);

// GitHub's tables; characters that Markdown would read are escaped.
std::string render_markdown(const Table& table);

// The cells as they are printed, one line per metric and row: table, metric, row labels, columns.
// For numbers to calculate with see LongTable.hpp.
std::string render_csv(const Table& table);

}  // namespace aocq::report
