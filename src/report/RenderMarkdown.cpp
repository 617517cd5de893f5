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

void append_part(std::string& text, const TablePart& part) {
    text += "**" + escaped(part.title) + "**\n\n|";
    for (const auto& header : part.label_headers) text += " " + escaped(header) + " |";
    for (const auto& column : part.columns) text += " " + escaped(column.header) + " |";
    text += "\n|";
    for (std::size_t i = 0; i < part.label_headers.size(); ++i) text += ":--|";
    for (std::size_t i = 0; i < part.columns.size(); ++i) text += "--:|";
    text += "\n";
    for (const auto& row : part.rows) {
        text += "|";
        for (const auto& label : row.labels) text += " " + escaped(label) + " |";
        for (const auto& cell : row.cells) text += " " + escaped(cell) + " |";
        text += "\n";
    }
    text += "\n";
}

}  // namespace

std::string render_markdown(const Table& table) {
    std::string text = "### " + escaped(table.name) + "\n\n";
    if (!table.caption.empty()) text += escaped(table.caption) + "\n\n";
    for (const TablePart& part : table.parts) append_part(text, part);
    for (const auto& note : table.notes) text += "- " + escaped(note) + "\n";
    return text;
}

}  // namespace aocq::report
