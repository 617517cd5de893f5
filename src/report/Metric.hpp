// SPDX-License-Identifier: Apache-2.0
// The metrics that tables can show: value, interval, and how both are printed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/EnumTable.hpp"
#include "metrics/Interval.hpp"
#include "report/ResultRow.hpp"

namespace aocq::report {

enum class Metric { top1, top5, agreement, kl, memory };

inline constexpr EnumTable<Metric, 5> metric_names{{{{Metric::top1, "top1"},
                                                     {Metric::top5, "top5"},
                                                     {Metric::agreement, "agreement"},
                                                     {Metric::kl, "kl"},
                                                     {Metric::memory, "memory"}}}};

// An Error(config) with the nearest name for anything else.
Metric parse_metric(const std::string& name);

bool is_percentage(Metric metric);

// The float model is its own reference there: the value says nothing.
bool compares_with_float(Metric metric);

// A result that can be shown has every metric but memory, which nobody may have worked out.
bool has_value(const ResultRow& row, Metric metric);

// Percent for shares of images, nats for the divergence, a ratio for memory. Needs has_value.
double value_of(const ResultRow& row, Metric metric);

// What more images would change; memory is not such a value.
bool has_interval(Metric metric);
// 95 %: Wilson for shares, normal for the mean divergence (not below 0); the unit of value_of.
// Needs has_value and has_interval.
metrics::Interval interval_of(const ResultRow& row, Metric metric);

// Two decimals for percentages, four significant digits for the others.
std::string format_value(double value, Metric metric);

std::string title_of(Metric metric);            // "top1 (%)"
std::string_view meaning_of(Metric metric);     // one sentence without a full stop
std::string_view interval_name(Metric metric);  // "Wilson"
std::string_view interval_unit(Metric metric);  // "percentage points"

}  // namespace aocq::report
