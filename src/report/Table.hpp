// SPDX-License-Identifier: Apache-2.0
// A table of a paper, ready to print: strings in rows and columns, one part per metric, notes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "report/Published.hpp"
#include "report/ResultRow.hpp"

namespace aocq::report {

struct TableColumn {
    std::string header;
    int group = 0;  // columns of one group (measured, published, difference) stay together
};

struct TableRow {
    std::vector<std::string> labels;
    std::vector<std::string> cells;
};

struct TablePart {
    std::string metric;  // "top1"
    std::string title;   // "top1 (%)"
    std::vector<std::string> label_headers;
    std::vector<TableColumn> columns;
    std::vector<TableRow> rows;  // float models first
};

struct Table {
    std::string name;
    std::string caption;
    std::vector<TablePart> parts;
    std::vector<std::string> notes;
};

// Rows and columns are the values of the axes that `spec` names, in the order of the study (the
// order in which `rows` come). Several seeds give mean ± deviation. Float models come first: a
// cell repeats the one that the column's experiments are compared with. An axis that `spec` leaves
// out, other than the seed, becomes part of the row labels, since a mean over it would say nothing.
// A published number stands beside its cell with the difference in percentage points, marked
// beyond spec.published.tolerance (0: nothing is marked). Its row is found by the joined labels
// ("a, b"), by one of them, or by "float". `published` may be null. With spec.effects the table is
// one of effects (Effects.hpp).
Table build_table(const config::TableSpec& spec, std::span<const ResultRow> rows,
                  const Published* published);

}  // namespace aocq::report
