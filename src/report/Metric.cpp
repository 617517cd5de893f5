// SPDX-License-Identifier: Apache-2.0
#include "report/Metric.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Error.hpp"
#include "core/Text.hpp"

namespace aocq::report {
namespace {

std::int64_t hits_of(const metrics::Summary& summary, Metric metric) {
    if (metric == Metric::top1) return summary.top1;
    if (metric == Metric::top5) return summary.top5;
    return summary.agree;
}

}  // namespace

Metric parse_metric(const std::string& name) {
    if (const auto metric = metric_names.find(name)) return *metric;
    Error error = Error::config("a table shows an unknown metric");
    const auto names = metric_names.names();
    if (const auto near = nearest(name, names); !near.empty()) {
        error.advise(fmt::format("did you mean \"{}\"?", near));
    }
    throw error.found(name).wanted(join(names, ", "));
}

bool is_percentage(Metric metric) {
    return metric != Metric::kl && metric != Metric::memory;
}

bool compares_with_float(Metric metric) {
    return metric == Metric::agreement || metric == Metric::kl;
}

bool has_value(const ResultRow& row, Metric metric) {
    return row.usable() && (metric != Metric::memory || row.memory_ratio);
}

double value_of(const ResultRow& row, Metric metric) {
    AOCQ_EXPECT(has_value(row, metric));
    const metrics::Summary& summary = row.summary;
    if (metric == Metric::memory) return *row.memory_ratio;
    if (metric == Metric::kl) return summary.kl_mean;
    return 100.0 * static_cast<double>(hits_of(summary, metric)) / static_cast<double>(summary.n);
}

bool has_interval(Metric metric) {
    return metric != Metric::memory;
}

metrics::Interval interval_of(const ResultRow& row, Metric metric) {
    AOCQ_EXPECT(has_value(row, metric) && has_interval(metric));
    const metrics::Summary& summary = row.summary;
    if (metric == Metric::kl) {
        auto interval = metrics::normal_interval(summary.kl_mean, summary.kl_standard_error);
        interval.low = std::max(interval.low, 0.0);
        return interval;
    }
    const auto interval = metrics::wilson(hits_of(summary, metric), summary.n);
    return {100 * interval.low, 100 * interval.high};
}

std::string format_value(double value, Metric metric) {
    return is_percentage(metric) ? fmt::format("{:.2f}", value) : fmt::format("{:#.4g}", value);
}

std::string title_of(Metric metric) {
    const char* unit = is_percentage(metric) ? "%" : "nats";
    if (metric == Metric::memory) unit = "of float32";
    return fmt::format("{} ({})", metric_names.name(metric), unit);
}

std::string_view meaning_of(Metric metric) {
    switch (metric) {
        case Metric::top1:
            return "share of images whose first prediction is the label";
        case Metric::top5:
            return "share of images whose label is among the first five predictions";
        case Metric::agreement:
            return "share of images whose first prediction is the float model's";
        case Metric::kl:
            return "mean divergence KL(float ‖ quantized) of the class probabilities, 0 is best";
        case Metric::memory:
            return "bytes of the weights at their bit-widths over those of all weights in float32";
    }
    return "";
}

std::string_view interval_name(Metric metric) {
    return is_percentage(metric) ? "Wilson" : "normal";
}

std::string_view interval_unit(Metric metric) {
    return is_percentage(metric) ? "percentage points" : "nats";
}

}  // namespace aocq::report
