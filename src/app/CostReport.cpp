// SPDX-License-Identifier: Apache-2.0
#include "app/CostReport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/Text.hpp"
#include "engine/CostBook.hpp"
#include "engine/MethodCost.hpp"
#include "report/Csv.hpp"
#include "report/Label.hpp"

namespace aocq::app {
namespace {

std::map<std::string, engine::KindCost> costs_by_kind(const OpenedStudy& opened) {
    std::map<std::string, engine::KindCost> kinds;
    for (const auto& part : opened.folder.all_parts()) {
        for (const auto& cost : engine::CostBook(part.costs()).by_kind()) {
            auto& kind = kinds[cost.kind];
            kind.units += cost.units;
            kind.total.seconds += cost.total.seconds;
            kind.total.cpu_seconds += cost.total.cpu_seconds;
            kind.total.peak_bytes = std::max(kind.total.peak_bytes, cost.total.peak_bytes);
        }
    }
    return kinds;
}

}  // namespace

void print_costs(const OpenedStudy& opened, bool json) {
    const auto kinds = costs_by_kind(opened);
    if (json) {
        Json all = Json::object();
        for (const auto& [name, kind] : kinds) {
            all[name] = {{"units", kind.units},
                         {"seconds", kind.total.seconds},
                         {"user_cpu_seconds", kind.total.cpu_seconds},
                         {"peak_bytes", kind.total.peak_bytes}};
        }
        fmt::print("{}\n", all.dump(2));
        return;
    }
    fmt::print("{:48}  {:>6}  {:>12}  {:>12}  {:>10}\n", "stage", "units", "seconds", "user CPU s",
               "peak");
    for (const auto& [name, kind] : kinds) {
        fmt::print("{:48}  {:>6}  {:>12.2f}  {:>12.2f}  {:>10}\n", name, kind.units,
                   kind.total.seconds, kind.total.cpu_seconds, human_bytes(kind.total.peak_bytes));
    }
    fmt::print(
        "\nSeconds are sums over units; the peak is the largest resident memory of a rank while it "
        "did such a unit.\n");
}

void print_method_costs(const OpenedStudy& opened) {
    std::map<std::string, engine::CostEntry> entries;
    for (const auto& part : opened.folder.all_parts()) {
        const engine::CostBook book(part.costs());
        entries.insert(book.entries().begin(), book.entries().end());
    }
    std::vector<std::string> axes;
    for (const std::string& key : opened.study.axis_keys) {
        if (key != "bits") axes.push_back(key);
    }
    std::vector<std::string> line{"experiment", "model", "bits"};
    line.insert(line.end(), axes.begin(), axes.end());
    for (const char* column : {"seconds", "user_cpu_seconds", "peak_bytes", "stages_not_measured"})
        line.emplace_back(column);
    fmt::print("{}", report::csv_line(line));
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        const config::Experiment& experiment = opened.study.experiments[i];
        if (experiment.bits.is_float()) continue;
        const engine::MethodCost cost = engine::method_cost(opened.work, i, entries);
        line = {opened.work.experiments[i].id, opened.work.experiments[i].model_name,
                config::to_string(experiment.bits)};
        for (const std::string& key : axes)
            line.push_back(report::label_at(experiment.coordinates, key).value_or(""));
        line.push_back(fmt::format("{:.2f}", cost.total.seconds));
        line.push_back(fmt::format("{:.2f}", cost.total.cpu_seconds));
        line.push_back(std::to_string(cost.total.peak_bytes));
        line.push_back(std::to_string(cost.unknown));
        fmt::print("{}", report::csv_line(line));
    }
}

}  // namespace aocq::app
