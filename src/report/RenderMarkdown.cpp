// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "report/Label.hpp"
#include "report/Render.hpp"

namespace aocq::report {
namespace {

std::string escaped(const std::string& text) {
    std::string all;
    for (const char c : one_line(text)) {
        if (std::string_view("\\`*|<").find(c) != std::string_view::npos) all += '\\';
        all += c;
    }
    return all;
}

void append_cell(std::string& text, const std::string& cell) {
    text.append(" ").append(escaped(cell)).append(" |");
}

void append_part(std::string& text, const TablePart& part) {
    text.append("**").append(escaped(part.title)).append("**\n\n|");
    for (const auto& header : part.label_headers) append_cell(text, header);
    for (const auto& column : part.columns) append_cell(text, column.header);
    text += "\n|";
    for (std::size_t i = 0; i < part.label_headers.size(); ++i) text += ":--|";
    for (std::size_t i = 0; i < part.columns.size(); ++i) text += "--:|";
    text += "\n";
    for (const auto& row : part.rows) {
        text += "|";
        for (const auto& label : row.labels) append_cell(text, label);
        for (const auto& cell : row.cells) append_cell(text, cell);
        text += "\n";
    }
    text += "\n";
}

}  // namespace

std::string render_markdown(const Table& table) {
    std::string text = "### ";
    text.append(escaped(table.name)).append("\n\n");
    if (!table.caption.empty()) text += escaped(table.caption) + "\n\n";
    for (const TablePart& part : table.parts) append_part(text, part);
    for (const auto& note : table.notes) text.append("- ").append(escaped(note)).append("\n");
    return text;
}

}  // namespace aocq::report
