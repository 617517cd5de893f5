// SPDX-License-Identifier: Apache-2.0
#include "report/Notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/Text.hpp"
#include "report/Label.hpp"

namespace aocq::report {
namespace {

template <class Visit>
void for_each_result(const Layout& layout, const Visit& visit) {
    for (const LayoutRow& row : layout.rows) {
        for (const Results& cell : row.cells) {
            for (const ResultRow* result : cell) visit(*result);
        }
    }
}

std::string seeds_text(const std::set<std::uint64_t>& seeds) {
    std::vector<std::string> names;
    for (const auto seed : seeds) names.push_back(std::to_string(seed));
    if (names.size() > 10) {
        return fmt::format("{} to {} ({} of them)", names.front(), names.back(), names.size());
    }
    return join(names, ", ");
}

}  // namespace

std::string Footnotes::mark(const std::string& reason) {
    const std::string line = one_line(reason);
    auto found = std::find(reasons_.begin(), reasons_.end(), line);
    if (found == reasons_.end()) found = reasons_.insert(reasons_.end(), line);
    return fmt::format("[{}]", found - reasons_.begin() + 1);
}

std::vector<std::string> Footnotes::lines() const {
    std::vector<std::string> all;
    for (const auto& reason : reasons_) {
        all.push_back(fmt::format("[{}] {}", all.size() + 1, reason));
    }
    return all;
}

std::string images_and_seeds(const Layout& layout) {
    std::set<std::int64_t> images;
    std::set<std::uint64_t> seeds;
    bool repeated = false;
    for_each_result(layout, [&](const ResultRow& result) {
        if (result.usable()) images.insert(result.summary.n);
        if (!result.is_float) seeds.insert(result.seed);
    });
    for (const LayoutRow& row : layout.rows) {
        for (const Results& cell : row.cells) repeated |= cell.size() > 1;
    }
    std::string text;
    if (images.size() == 1) text = fmt::format("n = {} images.", *images.begin());
    if (images.size() > 1) {
        text = fmt::format("n differs: {} to {} images.", *images.begin(), *images.rbegin());
    }
    if (seeds.empty()) return text;
    if (!text.empty()) text += ' ';
    text += fmt::format("{}: {}", seeds.size() == 1 ? "Seed" : "Seeds", seeds_text(seeds));
    if (repeated) {
        text += "; cells are mean ± standard deviation over seeds (n = number of seeds)";
    }
    return text + ".";
}

std::string precision_of(const Layout& layout, Metric metric) {
    double widest = -1;
    for_each_result(layout, [&](const ResultRow& result) {
        if (!has_value(result, metric) || !has_interval(metric) ||
            (result.is_float && compares_with_float(metric)))
            return;
        widest = std::max(widest, interval_of(result, metric).half_width());
    });
    std::string text = fmt::format("{}: {}", metric_names.name(metric), meaning_of(metric));
    if (widest >= 0) {
        text +=
            fmt::format("; 95 % interval of one result ({}) at most ± {} {}", interval_name(metric),
                        format_value(widest, metric), interval_unit(metric));
    }
    return text + ".";
}

bool has_unfinished(const Layout& layout) {
    const auto waits = [](const Results& cell) {
        bool unfinished = false, failed = false;
        for (const ResultRow* result : cell) {
            failed |= !result->failure.empty();
            unfinished |= !result->usable();
        }
        return unfinished && !failed;
    };
    return std::any_of(layout.rows.begin(), layout.rows.end(), [&](const LayoutRow& row) {
        return std::any_of(row.cells.begin(), row.cells.end(), waits);
    });
}

}  // namespace aocq::report
