// SPDX-License-Identifier: Apache-2.0
// aocq report: the tables of a study from the results that exist.
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "core/Log.hpp"
#include "report/LongTable.hpp"

namespace aocq::app {
namespace {

int report_study(const StudyArguments& arguments, bool long_form) {
    const OpenedStudy opened = open_study(arguments);
    refuse_other_results(opened);
    opened.folder.claim();
    const std::string text = write_tables(opened);
    if (long_form) {
        fmt::print("{}", report::long_table_csv(collect_rows(opened), opened.study.axis_keys));
    } else {
        fmt::print("{}", text);
    }
    log_info("tables in {}", opened.folder.tables().string());
    return exit_done;
}

}  // namespace

void add_report(CLI::App& app, Chosen& chosen) {
    struct Options {
        StudyArguments study;
        bool long_form = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "report", "Print the tables of a study, and write them as text, Markdown and CSV");
    options->study.add_to(*command);
    command->add_flag("--csv", options->long_form, "Print every result in long form instead");
    command->callback([options, &chosen] {
        chosen = [options] { return report_study(options->study, options->long_form); };
    });
}

}  // namespace aocq::app
