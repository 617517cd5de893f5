// SPDX-License-Identifier: Apache-2.0
// aocq run: works through a study on the ranks it was started on.
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "app/StopReasons.hpp"
#include "core/Log.hpp"
#include "core/Quantities.hpp"
#include "engine/RunStudy.hpp"

namespace aocq::app {
namespace {

struct RunArguments {
    StudyArguments study;
    std::string part, time_limit, memory;
    std::optional<std::size_t> max_failures;
    bool fail_fast = false;
    bool leave_failed = false;
    bool oversubscribe = false;
    double silence_limit = 60;

    engine::RunOptions options() const {
        engine::RunOptions options;
        options.results = study.results;
        options.cache = study.cache;
        if (!part.empty()) options.part = engine::parse_part(part);
        if (!memory.empty()) options.memory = parse_bytes(memory);
        options.max_failures = fail_fast ? 1 : max_failures;
        options.silence_limit = silence_limit;
        if (leave_failed) options.failed_before = engine::FailedBefore::leave;
        if (oversubscribe) options.oversubscription = engine::Oversubscription::allow;
        return options;
    }
};

int run(const RunArguments& arguments, const par::Communicator& communicator) {
    std::optional<double> limit;
    if (!arguments.time_limit.empty()) limit = parse_seconds(arguments.time_limit);
    const StopReasons stop(limit);
    engine::RunOptions options = arguments.options();
    options.stop = [&stop] { return stop.why(); };
    const int code = engine::run_study_all(
        communicator, [&] { return arguments.study.load(); }, options);
    if (communicator.rank() != 0) return code;
    if (code == exit_again) {
        const std::string why = stop.why();
        log_warning(
            "stopped early{}: everything finished is kept; the same command goes on from here",
            why.empty() ? "" : fmt::format(" ({})", why));
        return code;
    }
    const OpenedStudy opened = open_study(arguments.study);
    write_tables(opened);
    log_info("{}; tables in {}",
             code == exit_done ? "all experiments are finished" : "some experiments failed",
             opened.folder.tables().string());
    return code;
}

void add_options(CLI::App& command, RunArguments& arguments) {
    command.add_option(
        "--part", arguments.part,
        "Only every COUNT-th experiment of the plan, from INDEX on: INDEX/COUNT, for "
        "a sweep split over several jobs");
    command.add_option("--time-limit", arguments.time_limit,
                       "Stop in time to be finished after so long (90s, 15m, 1h30m), exit code 75; "
                       "Slurm's own limit is known anyway");
    auto* most = command.add_option("--max-failures", arguments.max_failures,
                                    "End the run when so many experiments have failed");
    most->check(CLI::PositiveNumber);
    command.add_flag("--fail-fast", arguments.fail_fast, "The same as --max-failures 1")
        ->excludes(most);
    command.add_flag("--leave-failed", arguments.leave_failed,
                     "Do not try again what failed in an earlier run");
    command.add_option(
        "--memory", arguments.memory,
        "Memory that a rank may use for calibration images between blocks (4G); more "
        "goes to a temporary file. Changes no result");
    command
        .add_flag("--oversubscribe", arguments.oversubscribe,
                  "Allow more ranks on a host than it has cores or GPUs")
        ->envname("AOCQ_OVERSUBSCRIBE");
    command
        .add_option("--silence-limit", arguments.silence_limit,
                    "Seconds without a word from a rank until it counts as lost")
        ->check(CLI::Range(1.0, 86400.0))
        ->capture_default_str();
}

}  // namespace

void add_run(CLI::App& app, Chosen& chosen, const par::Communicator& communicator) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* command =
        app.add_subcommand("run", "Work through a study; alone, under mpirun or under srun");
    arguments->study.add_to(*command);
    add_options(*command, *arguments);
    command->callback([arguments, &chosen, &communicator] {
        chosen = [arguments, &communicator] { return run(*arguments, communicator); };
    });
}

}  // namespace aocq::app
