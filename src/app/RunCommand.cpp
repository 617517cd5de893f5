// SPDX-License-Identifier: Apache-2.0
// aocq run: works through a study on the ranks it was started on.
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "core/Log.hpp"
#include "engine/RunStudy.hpp"
#include "par/StopFlag.hpp"

namespace aocq::app {
namespace {

int run(const StudyArguments& arguments, const par::Communicator& communicator) {
    const par::StopFlag stop;
    engine::RunOptions options;
    options.results = arguments.results;
    options.stop = [&stop] { return stop.requested(); };
    const int code = engine::run_study_all(
        communicator, [&] { return arguments.load(); }, options);
    if (communicator.rank() != 0) return code;
    if (code == exit_again) {
        log_warning(
            "stopped early{}: everything finished is kept; the same command goes on from here",
            stop.requested() ? fmt::format(" ({})", stop.name()) : "");
        return code;
    }
    const OpenedStudy opened = open_study(arguments);
    write_tables(opened);
    log_info("{}; tables in {}",
             code == exit_done ? "all experiments are finished" : "some experiments failed",
             opened.folder.tables().string());
    return code;
}

}  // namespace

void add_run(CLI::App& app, Chosen& chosen, const par::Communicator& communicator) {
    auto arguments = std::make_shared<StudyArguments>();
    CLI::App* command =
        app.add_subcommand("run", "Work through a study; alone, under mpirun or under srun");
    arguments->add_to(*command);
    command->callback([arguments, &chosen, &communicator] {
        chosen = [arguments, &communicator] { return run(*arguments, communicator); };
    });
}

}  // namespace aocq::app
