// SPDX-License-Identifier: Apache-2.0
#include "app/StatsPrinter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "core/Files.hpp"
#include "core/Log.hpp"
#include "store/Imbalance.hpp"

namespace aocq::app {
namespace {

constexpr const char* csv_header = "balanced_by,site,axis,index,absmax,over_median\n";

struct Summarized {
    store::OutlierSummary summary;
    const store::SiteStatistics* site;
};

// Worst channels first.
std::vector<Summarized> worst(const store::StatisticsFile& file, std::size_t most) {
    std::vector<Summarized> all;
    for (const auto& site : file.sites) all.push_back({store::summarize(site), &site});
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return a.summary.max_over_median_channel > b.summary.max_over_median_channel;
    });
    all.resize(std::min(most, all.size()));
    return all;
}

std::string worst_text(const store::StatisticsFile& file, std::size_t most) {
    std::string text =
        fmt::format("{:34}  {:>10}  {:>10}  {:>12}  {:>12}  {:>9}  {}\n", "site", "min", "max",
                    "channels", "tokens", "kurtosis", "largest channels");
    for (const auto& [summary, site] : worst(file, most)) {
        fmt::format_to(std::back_inserter(text),
                       "{:34}  {:>10.4g}  {:>10.4g}  {:>11.2f}x  {:>11.2f}x  {:>9.3g}  {}\n",
                       site->site, site->minimum, site->maximum, summary.max_over_median_channel,
                       summary.max_over_median_token, summary.kurtosis_of_samples,
                       fmt::join(summary.top_channels, " "));
    }
    return text +
           "\nchannels, tokens: the largest absolute value over the median channel's and token's\n";
}

std::string map_text(const store::StatisticsFile& file, std::size_t most) {
    constexpr std::size_t width = 48;
    std::string text = fmt::format("{:34}  {:{}}  {}\n", "site", "channels", width, "tokens");
    for (const auto& [summary, site] : worst(file, most)) {
        fmt::format_to(std::back_inserter(text), "{:34}  {:{}}  {}\n", site->site,
                       store::imbalance_strip(store::channel_absmax(*site), width), width,
                       store::imbalance_strip(site->token_absmax, width));
    }
    return text +
           "\nThe largest absolute value of each part over the median's: blank below a half, then "
           "one of\n\".:-=+*#%@\" for every factor of two.\n";
}

Json worst_json(const store::StatisticsFile& file, std::size_t most) {
    Json list = Json::array();
    for (const auto& [summary, site] : worst(file, most)) {
        list.push_back({{"site", site->site},
                        {"kind", site->kind},
                        {"minimum", site->minimum},
                        {"maximum", site->maximum},
                        {"max_over_median_channel", summary.max_over_median_channel},
                        {"max_over_median_token", summary.max_over_median_token},
                        {"kurtosis", summary.kurtosis_of_samples},
                        {"top_channels", summary.top_channels}});
    }
    return list;
}

// Both imbalances of a site before and after balancing.
std::string compared_text(const store::StatisticsFile& before, const store::StatisticsFile& after,
                          std::size_t most) {
    std::map<std::string, store::OutlierSummary> balanced;
    for (const auto& site : after.sites) balanced[site.site] = store::summarize(site);
    std::string text = fmt::format("{:34}  {:>22}  {:>22}\n", "site", "channels", "tokens");
    for (const auto& [summary, site] : worst(before, most)) {
        const auto found = balanced.find(site->site);
        if (found == balanced.end()) continue;
        fmt::format_to(std::back_inserter(text),
                       "{:34}  {:>9.2f}x ->{:>8.2f}x  {:>9.2f}x ->{:>8.2f}x\n", site->site,
                       summary.max_over_median_channel, found->second.max_over_median_channel,
                       summary.max_over_median_token, found->second.max_over_median_token);
    }
    return text;
}

// One table for all: the artefact that the values were balanced by stands in front.
std::string csv_of(const store::StatisticsFile& file) {
    const std::string artefact = file.attributes.contains("artefact")
                                     ? file.attributes.at("artefact").get<std::string>()
                                     : std::string();
    const std::string table = store::imbalance_csv(file);
    std::string text;
    for (std::size_t at = table.find('\n') + 1; at < table.size();) {
        const std::size_t end = table.find('\n', at) + 1;
        text += artefact.substr(0, 12) + "," + table.substr(at, end - at);
        at = end;
    }
    return text;
}

}  // namespace

void StatsPrinter::statistics(const std::string& title, const store::StatisticsFile& file) {
    if (!format_.csv.empty()) csv_ += csv_of(file);
    if (format_.json) {
        json_["statistics"].push_back(
            {{"title", title}, {"sites", worst_json(file, format_.most)}});
        return;
    }
    if (!title.empty()) fmt::print("{}\n", title);
    fmt::print("{}", format_.map ? map_text(file, format_.most) : worst_text(file, format_.most));
}

void StatsPrinter::balance(const std::string& title, const std::vector<BalancedSite>& sites) {
    if (format_.json) {
        json_["balance"].push_back({{"title", title}, {"sites", to_json(sites)}});
        return;
    }
    fmt::print("\n{}\n{}", title, to_text(sites));
}

void StatsPrinter::compared(const store::StatisticsFile& before,
                            const store::StatisticsFile& after) {
    if (!format_.csv.empty()) csv_ += csv_of(after);
    if (format_.json) {
        json_["balanced_statistics"].push_back({{"artefact", after.attributes.at("artefact")},
                                                {"sites", worst_json(after, after.sites.size())}});
        return;
    }
    fmt::print("\n{}", compared_text(before, after, format_.most));
}

void StatsPrinter::finish() const {
    if (format_.json) fmt::print("{}\n", json_.dump(2));
    if (format_.csv.empty()) return;
    write_text(format_.csv, csv_header + csv_);
    log_info("channels and tokens in {}", format_.csv.string());
}

}  // namespace aocq::app
