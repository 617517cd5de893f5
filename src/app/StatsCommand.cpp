// SPDX-License-Identifier: Apache-2.0
// aocq stats: the sites with the worst outliers, and the activation statistics as an HDF5 file of
// the user's.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "core/Files.hpp"
#include "core/Log.hpp"
#include "store/Statistics.hpp"

namespace aocq::app {
namespace {

void print_worst(const store::StatisticsFile& file, std::size_t most) {
    std::vector<std::pair<store::OutlierSummary, const store::SiteStatistics*>> all;
    for (const auto& site : file.sites) all.emplace_back(store::summarize(site), &site);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return a.first.max_over_median_channel > b.first.max_over_median_channel;
    });
    fmt::print("{:34}  {:>10}  {:>10}  {:>12}  {:>12}  {:>9}  {}\n", "site", "min", "max",
               "channels", "tokens", "kurtosis", "largest channels");
    for (std::size_t i = 0; i < std::min(most, all.size()); ++i) {
        const auto& [summary, site] = all[i];
        fmt::print("{:34}  {:>10.4g}  {:>10.4g}  {:>11.2f}x  {:>11.2f}x  {:>9.3g}  {}\n",
                   site->site, site->minimum, site->maximum, summary.max_over_median_channel,
                   summary.max_over_median_token, summary.kurtosis_of_samples,
                   fmt::join(summary.top_channels, " "));
    }
    fmt::print(
        "\nchannels, tokens: the largest absolute value over the median channel's and token's\n");
}

store::StatisticsFile read_statistics(const fs::path& file) {
    return store::statistics_from_bundle(store::read_bundle(file, "statistics"));
}

int stats(const StudyArguments& arguments, std::size_t most) {
    if (arguments.study.extension() == ".h5") {
        print_worst(read_statistics(arguments.study), most);
        return exit_done;
    }
    const OpenedStudy opened = open_study(arguments);
    std::set<std::string> shown;
    for (const auto& experiment : opened.work.experiments) {
        if (experiment.statistics_key.empty() || !shown.insert(experiment.statistics_key).second)
            continue;
        const fs::path source = opened.folder.cache().file("statistics", experiment.statistics_key);
        if (!fs::exists(source)) {
            log_warning("no statistics of {} yet: run the study first", experiment.model_name);
            continue;
        }
        const auto statistics = read_statistics(source);
        const fs::path copy =
            opened.folder.path() / "statistics" /
            fmt::format("{}-{}.h5", experiment.model_name, experiment.statistics_key.substr(0, 12));
        store::write_bundle(copy, store::to_bundle(statistics));
        fmt::print("{} ({} images)\n", experiment.model_name,
                   statistics.attributes.at("images").get<std::int64_t>());
        print_worst(statistics, most);
        log_info("statistics in {}", copy.string());
    }
    return exit_done;
}

}  // namespace

void add_stats(CLI::App& app, Chosen& chosen) {
    struct Options {
        StudyArguments study;
        std::size_t most = 15;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "stats", "Print the sites with the worst outliers of a study or a statistics file (.h5)");
    options->study.add_to(*command);
    command->add_option("--most", options->most, "Sites to print")->capture_default_str();
    command->callback([options, &chosen] {
        chosen = [options] { return stats(options->study, options->most); };
    });
}

}  // namespace aocq::app
