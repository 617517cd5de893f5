// SPDX-License-Identifier: Apache-2.0
#include "report/PublishedCells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/Text.hpp"
#include "report/Label.hpp"

namespace aocq::report {
namespace {

void add_once(std::vector<std::string>& all, std::string text) {
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(std::move(text));
}

}  // namespace

const std::vector<std::string>* PublishedCells::methods_of(const LayoutRow& row) const {
    std::vector<std::string> names{join(row.labels, ", ")};
    if (row.is_float) {
        names = {"float"};
    } else {
        names.insert(names.end(), row.labels.begin(), row.labels.end());
    }
    for (const auto& name : names) {
        for (const auto& [label, methods] : spec_.methods) {
            if (label == name) return &methods;
        }
    }
    return nullptr;
}

std::optional<double> PublishedCells::find(const LayoutRow& row, const Results& cell,
                                           Metric metric) {
    if (!published_ || cell.empty()) return std::nullopt;
    const std::vector<std::string>* methods = methods_of(row);
    if (!methods) return std::nullopt;
    const ResultRow& result = *cell.front();
    for (const std::string& method : *methods) {
        const auto fitting = published_->find(spec_.model.empty() ? result.model_name : spec_.model,
                                              method, result.bits.weights, result.bits.activations,
                                              metric_names.name(metric));
        if (fitting.empty()) continue;
        remember(fitting);
        return fitting.front()->value;
    }
    return std::nullopt;
}

void PublishedCells::remember(const std::vector<const PublishedEntry*>& fitting) {
    const PublishedEntry& first = *fitting.front();
    add_once(sources_, one_line(first.source));
    for (const PublishedEntry* other : fitting) {
        if (*other->value == *first.value) continue;
        add_once(
            disagreements_,
            one_line(fmt::format("Published numbers disagree on {}, {} W{}A{}: {} (shown), {} "
                                 "by {}.",
                                 first.model, first.method, first.weight_bits,
                                 first.activation_bits, first.text, other->text, other->source)));
    }
}

std::string PublishedCells::difference(double ours, double published, Metric metric) {
    const double difference = ours - published;
    if (!is_percentage(metric)) return fmt::format("{:+.4g}", difference);
    std::string text = fmt::format("{:+.2f}", difference);
    if (text == "-0.00") text = "+0.00";
    // Both numbers have two decimals; the sum of their rounding must not decide.
    if (spec_.tolerance > 0 && std::abs(difference) > spec_.tolerance + 1e-9) {
        marked_ = true;
        text += '*';
    }
    return text;
}

std::vector<std::string> PublishedCells::notes() const {
    if (sources_.empty()) return {};
    std::string text = fmt::format(
        "Published numbers: {}. They may come from other sets of images and other weights; "
        "the difference is ours minus published, in percentage points",
        join(sources_, "; "));
    if (marked_) text += fmt::format(", * beyond {:.2f}", spec_.tolerance);
    std::vector<std::string> all{text + "."};
    all.insert(all.end(), disagreements_.begin(), disagreements_.end());
    return all;
}

}  // namespace aocq::report
