// SPDX-License-Identifier: Apache-2.0
#include "report/Effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "metrics/Interval.hpp"
#include "report/Label.hpp"
#include "report/Layout.hpp"
#include "report/Metric.hpp"
#include "report/Notes.hpp"

namespace aocq::report {
namespace {

using Switches = std::vector<std::string>;
using Subset = std::uint32_t;  // bit i: switch i is on

constexpr std::size_t most_switches = 8;

// The setting of an experiment on the axis of switches; nothing where it is no list of texts.
std::optional<Switches> setting_of(const ResultRow& row, const std::string& key) {
    for (const auto& [name, value] : row.coordinates) {
        if (name != key || !value.is_array()) continue;
        Switches on;
        for (const Json& item : value) {
            if (!item.is_string()) return std::nullopt;
            on.push_back(item.get<std::string>());
        }
        return on;
    }
    return std::nullopt;
}

// All that is ever switched on, in the order of the study.
Switches find_switches(std::span<const ResultRow> rows, const std::string& key) {
    Switches all;
    for (const ResultRow& row : rows) {
        for (const auto& name : setting_of(row, key).value_or(Switches())) {
            if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
        }
    }
    if (all.empty() || all.size() > most_switches) {
        throw Error::config("a table of effects needs an axis of sets")
            .advise("for example subsets = [\"operator\", \"framework\", \"loss\"]")
            .at("key", key)
            .found(fmt::format("{} switches", all.size()));
    }
    return all;
}

double value_of_image(const metrics::ImageResult& image, Metric metric) {
    switch (metric) {
        case Metric::top1:
            return image.right() ? 100.0 : 0.0;
        case Metric::top5:
            return image.right_within_5() ? 100.0 : 0.0;
        case Metric::agreement:
            return image.agrees ? 100.0 : 0.0;
        case Metric::kl:
            return image.kl;
        case Metric::memory:
            break;
    }
    throw Error::config("a table of effects shows what images have").found("memory");
}

// Mean over the seeds, image by image; empty where something is missing.
std::vector<double> image_values(const Results& cell, Metric metric) {
    std::vector<double> sum;
    for (const ResultRow* result : cell) {
        if (!result->usable() || result->images.empty()) return {};
        if (sum.empty()) sum.resize(result->images.size());
        if (sum.size() != result->images.size()) return {};
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += value_of_image(result->images[i], metric) / static_cast<double>(cell.size());
    }
    return sum;
}

// The experiments of one place of the table, by what is switched on.
using Factorial = std::vector<Results>;

// 2 / 2^k times the sum over all settings of their values, with the sign of the product of the
// asked switches (on: +1, off: -1).
std::optional<metrics::Mean> contrast(const Factorial& factorial, Subset asked, Metric metric) {
    std::vector<double> effect;
    for (Subset on = 0; on < factorial.size(); ++on) {
        const std::vector<double> values = image_values(factorial[on], metric);
        if (values.empty() || (!effect.empty() && effect.size() != values.size()))
            return std::nullopt;
        effect.resize(values.size());
        const bool odd = std::popcount(asked & ~on) % 2 != 0;
        const double factor = (odd ? -2.0 : 2.0) / static_cast<double>(factorial.size());
        for (std::size_t i = 0; i < values.size(); ++i) effect[i] += factor * values[i];
    }
    return metrics::mean_of(effect);
}

std::string cell_text(const std::optional<metrics::Mean>& effect, Metric metric) {
    if (!effect) return "—";
    const double half = metrics::normal_quantile_975 * effect->standard_error;
    return fmt::format("{}{} ± {}", effect->value > 0 ? "+" : "",
                       format_value(effect->value, metric), format_value(half, metric));
}

struct Asked {
    std::string label;
    Subset switches;
};

// Every switch alone, then every pair.
std::vector<Asked> questions(const Switches& switches) {
    std::vector<Asked> all;
    for (std::size_t i = 0; i < switches.size(); ++i) all.push_back({switches[i], Subset{1} << i});
    for (std::size_t i = 0; i < switches.size(); ++i) {
        for (std::size_t j = i + 1; j < switches.size(); ++j) {
            all.push_back({switches[i] + " × " + switches[j], Subset{1} << i | Subset{1} << j});
        }
    }
    return all;
}

struct Group {
    Labels labels;
    std::vector<Factorial> columns;
};

class Builder {
  public:
    Builder(const config::TableSpec& spec, std::span<const ResultRow> rows)
        : spec_(spec), switches_(find_switches(rows, spec.effects)) {
        config::TableSpec wider = spec;
        wider.rows.push_back(spec.effects);
        layout_ = lay_out(wider, rows);
        for (const LayoutRow& row : layout_.rows) {
            if (!row.is_float) add(row);
        }
    }

    Table build() const {
        Table table{spec_.name, spec_.caption, {}, {}};
        const std::vector<std::string> cells =
            spec_.cells.empty() ? std::vector<std::string>{"top1"} : spec_.cells;
        for (const auto& name : cells) table.parts.push_back(part(parse_metric(name)));
        if (const auto line = images_and_seeds(layout_); !line.empty()) table.notes.push_back(line);
        table.notes.emplace_back(
            "An effect is the mean over all settings of the other switches of the value with the "
            "switch less the value without it, a × b half of how much a's effect differs with and "
            "without b; ± half of the 95 % interval over images (normal, paired).");
        return table;
    }

  private:
    std::size_t place_of_switches() const { return spec_.rows.size(); }

    void add(const LayoutRow& row) {
        Labels labels = row.labels;
        labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(place_of_switches()));
        auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& g) { return g.labels == labels; });
        if (group == groups_.end()) {
            const Factorial nothing(std::size_t{1} << switches_.size());
            groups_.push_back({labels, std::vector<Factorial>(layout_.columns.size(), nothing)});
            group = groups_.end() - 1;
        }
        for (std::size_t c = 0; c < row.cells.size(); ++c) {
            if (row.cells[c].empty()) continue;
            const auto on = setting_of(*row.cells[c].front(), spec_.effects);
            if (on) group->columns[c][subset_of(*on)] = row.cells[c];
        }
    }

    Subset subset_of(const Switches& on) const {
        Subset subset = 0;
        for (std::size_t i = 0; i < switches_.size(); ++i) {
            if (std::find(on.begin(), on.end(), switches_[i]) != on.end()) subset |= Subset{1} << i;
        }
        return subset;
    }

    TablePart part(Metric metric) const {
        TablePart part;
        part.metric = metric_names.name(metric);
        part.title = "effect on " + title_of(metric);
        part.label_headers = short_names(keys());
        part.label_headers.emplace_back("effect of");
        for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
            const Labels& labels = layout_.columns[c];
            part.columns.push_back(
                {labels.empty() ? part.metric : join(labels, " / "), static_cast<int>(c)});
        }
        for (const Group& group : groups_) {
            for (const Asked& asked : questions(switches_)) {
                TableRow row{group.labels, {}};
                row.labels.push_back(asked.label);
                for (const Factorial& factorial : group.columns)
                    row.cells.push_back(
                        cell_text(contrast(factorial, asked.switches, metric), metric));
                part.rows.push_back(std::move(row));
            }
        }
        return part;
    }

    std::vector<std::string> keys() const {
        std::vector<std::string> keys = layout_.row_keys;
        keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(place_of_switches()));
        return keys;
    }

    const config::TableSpec& spec_;
    Switches switches_;
    Layout layout_;
    std::vector<Group> groups_;
};

}  // namespace

Table build_effects(const config::TableSpec& spec, std::span<const ResultRow> rows) {
    return Builder(spec, rows).build();
}

}  // namespace aocq::report
