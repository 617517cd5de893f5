// SPDX-License-Identifier: Apache-2.0
#include "app/Columns.hpp"

#include <algorithm>

#include "core/Error.hpp"
#include "core/Text.hpp"

namespace aocq::app {

Columns::Columns(std::vector<Column> columns) : columns_(std::move(columns)) {
    std::vector<std::string> header;
    for (const Column& column : columns_) header.push_back(column.header);
    rows_.push_back(std::move(header));
}

void Columns::add(std::vector<std::string> cells) {
    AOCQ_EXPECT(cells.size() <= columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Columns::text() const {
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], display_width(row[i]));
    }
    std::string all;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string blanks(widths[i] - display_width(row[i]), ' ');
            if (i > 0) line += "  ";
            line += columns_[i].align == Align::right ? blanks + row[i] : row[i] + blanks;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        all += line + '\n';
    }
    return all;
}

}  // namespace aocq::app
