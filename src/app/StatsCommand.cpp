// SPDX-License-Identifier: Apache-2.0
// aocq stats: the sites with the worst outliers, what balancing did to them, and the activation
// statistics before and after it as HDF5 files of the user's.
#include <fmt/format.h>

#include <map>
#include <set>

#include "app/BalanceReport.hpp"
#include "app/BalancedStatistics.hpp"
#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "app/StatsPrinter.hpp"
#include "core/Files.hpp"
#include "core/Log.hpp"
#include "store/Statistics.hpp"

namespace aocq::app {
namespace {

struct StatsOptions {
    StudyArguments study;
    StatsFormat format;
    bool artefact = false, balanced = false;
};

store::StatisticsFile read_statistics(const fs::path& file) {
    return store::statistics_from_bundle(store::read_bundle(file, "statistics"));
}

int stats_of_file(const StatsOptions& options) {
    StatsPrinter printer(options.format);
    if (options.artefact) {
        const auto bundle = store::read_bundle(options.study.study, "artefact");
        const auto sites = balanced_sites(bundle.attributes);
        if (sites.empty()) log_warning("no pass of this artefact balanced channels");
        printer.balance("", sites);
    } else {
        printer.statistics("", read_statistics(options.study.study));
    }
    printer.finish();
    return exit_done;
}

fs::path copy_of(const OpenedStudy& opened, const std::string& model, const std::string& what,
                 const std::string& key, const store::StatisticsFile& statistics) {
    const fs::path copy = opened.folder.path() / "statistics" /
                          fmt::format("{}{}-{}.h5", model, what, key.substr(0, 12));
    store::write_bundle(copy, store::to_bundle(statistics));
    log_info("statistics in {}", copy.string());
    return copy;
}

int stats_of_study(const StatsOptions& options) {
    const OpenedStudy opened = open_study(options.study);
    StatsPrinter printer(options.format);
    std::map<std::string, store::StatisticsFile> before;
    std::set<std::string> shown;
    bool any_balanced = false;
    for (std::size_t i = 0; i < opened.work.experiments.size(); ++i) {
        const auto& work = opened.work.experiments[i];
        if (work.statistics_key.empty()) continue;
        if (!before.contains(work.statistics_key)) {
            const fs::path source = opened.folder.cache().file("statistics", work.statistics_key);
            if (!fs::exists(source)) {
                log_warning("no statistics of {} yet: run the study first", work.model_name);
                before[work.statistics_key] = {};
                continue;
            }
            const auto& statistics = before[work.statistics_key] = read_statistics(source);
            copy_of(opened, work.model_name, "", work.statistics_key, statistics);
            printer.statistics(fmt::format("{} ({} images)", work.model_name,
                                           statistics.attributes.at("images").get<std::int64_t>()),
                               statistics);
        }
        const fs::path artefact = opened.folder.cache().file("artefact", work.artefact_key);
        if (!fs::exists(artefact) || !shown.insert(work.artefact_key).second) continue;
        const auto sites = balanced_sites(store::read_bundle(artefact, "artefact").attributes);
        if (sites.empty()) continue;
        any_balanced = true;
        const auto& experiment = opened.study.experiments[i];
        printer.balance(
            fmt::format("{} {} {} (artefact {})", work.model_name,
                        config::to_string(experiment.bits), describe(experiment.coordinates),
                        work.artefact_key.substr(0, 12)),
            sites);
        if (!options.balanced) continue;
        const auto after = balanced_statistics(opened, i);
        copy_of(opened, work.model_name, "-balanced", work.artefact_key, after);
        printer.compared(before.at(work.statistics_key), after);
    }
    if (options.balanced && !any_balanced)
        log_warning(
            "no artefact with balanced channels yet: run a study with channel_balance "
            "first, with this version of the program");
    printer.finish();
    return exit_done;
}

}  // namespace

void add_stats(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<StatsOptions>();
    CLI::App* command = app.add_subcommand(
        "stats",
        "Print the sites with the worst outliers of a study or a statistics file (.h5), and what "
        "balancing did to them");
    options->study.add_to(*command);
    command->add_option("--most", options->format.most, "Sites to print")->capture_default_str();
    command->add_flag("--artefact", options->artefact,
                      "The file is an artefact: print the predicted and the measured reduction of "
                      "every balanced site");
    command->add_flag("--balanced", options->balanced,
                      "Collect the statistics again after balancing, for every artefact of the "
                      "study, and compare");
    command->add_flag("--map", options->format.map, "Draw the channels and tokens of every site");
    command->add_option("--csv", options->format.csv,
                        "Write the largest value of every channel and token to this file");
    command->add_flag("--json", options->format.json, "As JSON");
    command->callback([options, &chosen] {
        chosen = [options] {
            return options->study.study.extension() == ".h5" ? stats_of_file(*options)
                                                             : stats_of_study(*options);
        };
    });
}

}  // namespace aocq::app
