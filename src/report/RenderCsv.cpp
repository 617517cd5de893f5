// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "report/Csv.hpp"
#include "report/Render.hpp"

namespace aocq::report {
namespace {

std::vector<std::string> headers_of(const TablePart& part) {
    std::vector<std::string> headers;
    for (const auto& column : part.columns) headers.push_back(column.header);
    return headers;
}

}  // namespace

std::string render_csv(const Table& table) {
    if (table.parts.empty()) return "";
    // Parts differ where only some have published numbers.
    std::vector<std::string> all;
    for (const auto& part : table.parts) {
        for (const auto& header : headers_of(part)) {
            if (std::find(all.begin(), all.end(), header) == all.end()) all.push_back(header);
        }
    }
    std::vector<std::string> first{"table", "metric"};
    for (const auto& label : table.parts.front().label_headers) {
        first.push_back(label.empty() ? "row" : label);
    }
    first.insert(first.end(), all.begin(), all.end());
    std::string text = csv_line(first);
    for (const auto& part : table.parts) {
        const auto headers = headers_of(part);
        for (const auto& row : part.rows) {
            std::vector<std::string> fields{table.name, part.metric};
            fields.insert(fields.end(), row.labels.begin(), row.labels.end());
            for (const auto& header : all) {
                const auto found = std::find(headers.begin(), headers.end(), header);
                fields.push_back(
                    found == headers.end()
                        ? ""
                        : row.cells[static_cast<std::size_t>(found - headers.begin())]);
            }
            text += csv_line(fields);
        }
    }
    return text;
}

}  // namespace aocq::report
