// SPDX-License-Identifier: Apache-2.0
// Which experiment belongs to which row and column of a table.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "report/ResultRow.hpp"

namespace aocq::report {

using Results = std::vector<const ResultRow*>;  // repetitions of one experiment, one per seed
using Labels = std::vector<std::string>;

struct LayoutRow {
    Labels labels;
    std::vector<Results> cells;  // one per column; empty where the study has no such experiment
    bool is_float = false;
};

struct Layout {
    std::vector<std::string> row_keys;  // with the added ones at the end
    std::vector<std::string> added_keys;
    std::vector<Labels> columns;
    std::vector<LayoutRow> rows;
};

// What an experiment is called along a key: its axes, and what every experiment has, axis or not
// (widths, seed, the names of model and method).
std::optional<std::string> label_in(const ResultRow& row, const std::string& key);

Layout lay_out(const config::TableSpec& spec, std::span<const ResultRow> results);

}  // namespace aocq::report
