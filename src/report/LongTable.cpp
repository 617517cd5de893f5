// SPDX-License-Identifier: Apache-2.0
#include "report/LongTable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/Csv.hpp"
#include "report/Label.hpp"
#include "report/Metric.hpp"

namespace aocq::report {
namespace {

constexpr std::array<std::string_view, 9> fixed_columns{
    "experiment", "model", "bits", "seed", "metric", "value", "n", "low", "high"};

std::string exact(double value, Metric metric) {
    return is_percentage(metric) ? fmt::format("{:.4f}", value) : fmt::format("{:.6g}", value);
}

void append_results(std::vector<std::string>& fields, const ResultRow& row, Metric metric) {
    fields.emplace_back(metric_names.name(metric));
    const std::string n = std::to_string(row.summary.n);
    if (!has_value(row, metric)) {
        fields.insert(fields.end(), {"", n, "", ""});
        return;
    }
    fields.insert(fields.end(), {exact(value_of(row, metric), metric), n});
    if (!has_interval(metric)) {
        fields.insert(fields.end(), {"", ""});
        return;
    }
    const auto interval = interval_of(row, metric);
    fields.insert(fields.end(), {exact(interval.low, metric), exact(interval.high, metric)});
}

}  // namespace

std::string long_table_csv(std::span<const ResultRow> rows,
                           std::span<const std::string> axis_keys) {
    std::vector<std::string> keys;
    std::vector<std::string> header{"experiment", "model", "bits", "seed"};
    for (const auto& key : axis_keys) {
        if (key == "bits" || key == "seed") continue;
        keys.push_back(key);
        const bool taken =
            std::find(fixed_columns.begin(), fixed_columns.end(), key) != fixed_columns.end();
        header.push_back(taken ? "axis." + key : key);
    }
    header.insert(header.end(), {"metric", "value", "n", "low", "high"});

    std::string text = csv_line(header);
    for (const ResultRow& row : rows) {
        for (const auto& [metric, name] : metric_names.rows) {
            if (row.is_float && compares_with_float(metric)) continue;
            if (metric == Metric::memory && !row.memory_ratio) continue;
            std::vector<std::string> fields{row.experiment_id, row.model_name,
                                            config::to_string(row.bits), std::to_string(row.seed)};
            for (const auto& key : keys) {
                fields.push_back(label_at(row.coordinates, key).value_or(""));
            }
            append_results(fields, row, metric);
            text += csv_line(fields);
        }
    }
    return text;
}

}  // namespace aocq::report
