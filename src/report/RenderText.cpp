// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "core/Text.hpp"
#include "report/Label.hpp"
#include "report/Render.hpp"

namespace aocq::report {
namespace {

constexpr std::size_t gap = 2;  // blanks between columns

std::string padding(const std::string& text, std::size_t width) {
    const std::size_t used = display_width(text);
    return std::string(width > used ? width - used : 0, ' ');
}

std::string rule(std::size_t width) {
    std::string line;
    for (std::size_t i = 0; i < width; ++i) line += "─";
    return line;
}

void append_line(std::string& text, std::string line) {
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
}

class PartRenderer {
  public:
    PartRenderer(const TablePart& part, std::size_t width) : part_(part), width_(width) {
        for (std::size_t i = 0; i < part.label_headers.size(); ++i) {
            std::size_t most = display_width(part.label_headers[i]);
            for (const auto& row : part.rows) most = std::max(most, display_width(row.labels[i]));
            label_widths_.push_back(most);
        }
        for (std::size_t i = 0; i < part.columns.size(); ++i) {
            std::size_t most = display_width(part.columns[i].header);
            for (const auto& row : part.rows) most = std::max(most, display_width(row.cells[i]));
            widths_.push_back(most);
        }
    }

    std::string render() const {
        std::string text = part_.title + "\n";
        for (std::size_t begin = 0; begin < widths_.size();) {
            const std::size_t end = block_end(begin);
            if (begin) text += "\n";
            block(text, begin, end);
            begin = end;
        }
        return text;
    }

  private:
    std::size_t group_end(std::size_t begin) const {
        std::size_t end = begin + 1;
        while (end < widths_.size() && part_.columns[end].group == part_.columns[begin].group) {
            ++end;
        }
        return end;
    }

    // As many whole groups as fit, at least one.
    std::size_t block_end(std::size_t begin) const {
        std::size_t used = 0;
        for (const std::size_t label : label_widths_) used += label + gap;
        std::size_t end = begin;
        while (end < widths_.size()) {
            const std::size_t next = group_end(end);
            for (std::size_t i = end; i < next; ++i) used += widths_[i] + gap;
            if (end > begin && used - gap > width_) break;
            end = next;
        }
        return end;
    }

    void block(std::string& text, std::size_t begin, std::size_t end) const {
        const std::string space(gap, ' ');
        const auto line = [&](const std::vector<std::string>& labels, const auto& cell) {
            std::string all;
            for (std::size_t i = 0; i < labels.size(); ++i) {
                all += labels[i] + padding(labels[i], label_widths_[i]) + space;
            }
            for (std::size_t i = begin; i < end; ++i) {
                all += padding(cell(i), widths_[i]) + cell(i) + (i + 1 < end ? space : "");
            }
            append_line(text, all);
        };
        line(part_.label_headers, [&](std::size_t i) { return part_.columns[i].header; });
        std::vector<std::string> rules;
        for (const std::size_t label : label_widths_) rules.push_back(rule(label));
        line(rules, [&](std::size_t i) { return rule(widths_[i]); });
        for (const auto& row : part_.rows) {
            line(row.labels, [&](std::size_t i) { return row.cells[i]; });
        }
    }

    const TablePart& part_;
    std::size_t width_;
    std::vector<std::size_t> label_widths_;
    std::vector<std::size_t> widths_;
};

// Breaks at blanks; a longer word gets a line of its own.
std::string wrapped(const std::string& note, std::size_t width) {
    std::string text, line;
    for (const auto& word : split(note, ' ')) {
        if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
            append_line(text, line);
            line = "  " + word;
        } else {
            line += (line.empty() ? "" : " ") + word;
        }
    }
    append_line(text, line);
    return text;
}

}  // namespace

std::string render_text(const Table& table, std::size_t width) {
    const std::string title =
        table.caption.empty() ? table.name : table.name + ": " + table.caption;
    std::string text = wrapped(one_line(title), width) + "\n";
    for (const TablePart& part : table.parts) text += PartRenderer(part, width).render() + "\n";
    for (const auto& note : table.notes) text += wrapped(note, width);
    return text;
}

}  // namespace aocq::report
