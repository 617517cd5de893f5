// SPDX-License-Identifier: Apache-2.0
#include "report/Table.hpp"

#include <fmt/format.h>

#include <optional>

#include "core/Text.hpp"
#include "report/Effects.hpp"
#include "report/Label.hpp"
#include "report/Layout.hpp"
#include "report/Metric.hpp"
#include "report/Notes.hpp"
#include "report/PublishedCells.hpp"

namespace aocq::report {
namespace {

struct Measured {
    std::string text;
    std::optional<double> mean;
};

class Builder {
  public:
    Builder(const config::TableSpec& spec, std::span<const ResultRow> results,
            const Published* published)
        : spec_(spec), layout_(lay_out(spec, results)), published_(spec.published, published) {}

    Table build() {
        Table table{spec_.name, spec_.caption, {}, {}};
        std::vector<std::string> metrics = spec_.cells;
        if (metrics.empty()) metrics = {"top1"};
        std::vector<std::string> precision;
        for (const auto& name : metrics) {
            const Metric metric = parse_metric(name);
            table.parts.push_back(part(metric));
            precision.push_back(precision_of(layout_, metric));
        }
        const auto add = [&](const std::vector<std::string>& notes) {
            table.notes.insert(table.notes.end(), notes.begin(), notes.end());
        };
        if (const auto line = images_and_seeds(layout_); !line.empty()) add({line});
        add(precision);
        add(published_.notes());
        if (!layout_.added_keys.empty()) {
            add({fmt::format("Rows also differ in {}, which the table does not name.",
                             join(layout_.added_keys, ", "))});
        }
        if (has_unfinished(layout_))
            add({"— or n=1/2: experiments are not finished yet; run the study again to go on."});
        add(footnotes_.lines());
        return table;
    }

  private:
    // Mean and deviation over the seeds that have a result, and what became of the others.
    Measured measure(const LayoutRow& row, const Results& cell, Metric metric) {
        if (cell.empty()) return {};
        std::vector<double> values;
        std::string failed;
        for (const ResultRow* result : cell) {
            if (has_value(*result, metric)) values.push_back(value_of(*result, metric));
            if (!result->failure.empty()) failed += footnotes_.mark(result->failure);
        }
        if (values.empty()) return {failed.empty() ? "—" : "failed" + failed, {}};
        if (row.is_float && compares_with_float(metric)) return {"ref.", {}};
        const metrics::Mean mean = metrics::mean_of(values);
        std::string text = format_value(mean.value, metric);
        if (values.size() > 1) text += " ± " + format_value(mean.deviation, metric);
        if (cell.size() > values.size()) {
            text += fmt::format(" (n={}/{}){}", values.size(), cell.size(), failed);
        } else if (cell.size() > 1) {
            text += fmt::format(" (n={})", cell.size());
        }
        return {text, mean.value};
    }

    TablePart part(Metric metric) {
        TablePart part;
        part.metric = metric_names.name(metric);
        part.title = title_of(metric);
        part.label_headers = short_names(layout_.row_keys);
        if (part.label_headers.empty()) part.label_headers = {""};
        for (const LayoutRow& row : layout_.rows) part.rows.push_back({row.labels, {}});
        for (std::size_t c = 0; c < layout_.columns.size(); ++c) add_column(part, c, metric);
        return part;
    }

    void add_column(TablePart& part, std::size_t c, Metric metric) {
        const int group = static_cast<int>(c);
        const Labels& labels = layout_.columns[c];
        const std::string header = labels.empty() ? part.metric : join(labels, " / ");
        std::vector<Measured> measured;
        std::vector<std::optional<double>> published;
        bool any = false;
        for (const LayoutRow& row : layout_.rows) {
            measured.push_back(measure(row, row.cells[c], metric));
            published.push_back(published_.find(row, row.cells[c], metric));
            any |= published.back().has_value();
        }
        part.columns.push_back({header, group});
        if (any) {
            part.columns.push_back({header + " publ.", group});
            part.columns.push_back({header + " diff.", group});
        }
        for (std::size_t r = 0; r < layout_.rows.size(); ++r) {
            auto& cells = part.rows[r].cells;
            cells.push_back(measured[r].text);
            if (!any) continue;
            cells.push_back(published[r] ? format_value(*published[r], metric) : "");
            cells.push_back(published[r] && measured[r].mean
                                ? published_.difference(*measured[r].mean, *published[r], metric)
                                : "");
        }
    }

    const config::TableSpec& spec_;
    Layout layout_;
    PublishedCells published_;
    Footnotes footnotes_;
};

}  // namespace

Table build_table(const config::TableSpec& spec, std::span<const ResultRow> rows,
                  const Published* published) {
    if (!spec.effects.empty()) return build_effects(spec, rows);
    return Builder(spec, rows, published).build();
}

}  // namespace aocq::report
