// SPDX-License-Identifier: Apache-2.0
// aocq status: what exists of a study and what its run is doing. Reads files only, so it works
// while the study runs, from any host that sees them.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <map>
#include <thread>
#include <utility>

#include "app/Commands.hpp"
#include "app/CostReport.hpp"
#include "app/Results.hpp"
#include "core/Text.hpp"
#include "engine/Why.hpp"

namespace aocq::app {
namespace {

struct StatusArguments {
    StudyArguments study;
    bool json = false, costs = false, method_costs = false, watch = false;
    std::string why;
};

constexpr std::chrono::seconds watch_interval{2};

Json experiments_json(const OpenedStudy& opened, const StudyState& states,
                      std::map<std::string, int>& counts) {
    Json list = Json::array();
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        const ExperimentState state = states.of(i);
        ++counts[std::string(to_string(state.state))];
        list.push_back({{"id", opened.work.experiments[i].id},
                        {"model", opened.work.experiments[i].model_name},
                        {"bits", config::to_string(opened.study.experiments[i].bits)},
                        {"coordinates", describe(opened.study.experiments[i].coordinates)},
                        {"state", to_string(state.state)},
                        {"cause", state.cause}});
    }
    return list;
}

void print_run(const StudyState::Run& run) {
    const auto& progress = run.progress;
    const auto& units = progress.units;
    if (!run.alive) {
        if (progress.state == engine::RunState::finished) return;
        const bool died = progress.state == engine::RunState::running;
        fmt::print("\nThe last run {} at {} of {} units{}\n",
                   died ? "ended without a word" : "stopped", units.done, units.total,
                   progress.cause.empty() ? "" : ": " + progress.cause);
        return;
    }
    fmt::print("\nRunning for {}: {} of {} units ({} found done), {:.2g} units/s, about {} left\n",
               human_seconds(static_cast<double>(std::time(nullptr) - progress.started)),
               units.done, units.total, units.reused, progress.units_per_second,
               human_seconds(progress.seconds_left));
    for (const auto& worker : progress.workers) {
        fmt::print("  rank {:>3} on {}: {}\n", worker.rank,
                   worker.host.empty() ? "a host that has not answered yet" : worker.host,
                   worker.unit.empty()
                       ? "waits"
                       : fmt::format("{} ({})", worker.unit, human_seconds(worker.seconds)));
    }
}

std::string summary(const std::map<std::string, int>& counts) {
    std::string text;
    for (const auto& [state, count] : counts) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
    }
    return text;
}

int show(const StatusArguments& arguments, const OpenedStudy& opened) {
    const StudyState states(opened);
    std::map<std::string, int> counts;
    const Json list = experiments_json(opened, states, counts);
    if (arguments.json) {
        Json runs = Json::array();
        for (const auto& run : states.runs()) {
            Json one = engine::to_json(run.progress);
            one["alive"] = run.alive;
            runs.push_back(std::move(one));
        }
        fmt::print("{}\n", Json({{"study", opened.study.name},
                                 {"numerics", opened.numerics},
                                 {"counts", counts},
                                 {"runs", runs},
                                 {"experiments", list}})
                               .dump(2));
        return exit_done;
    }
    std::string last_cause;  // one unit's failure may block a hundred experiments
    for (const Json& row : list) {
        std::string cause = row["cause"].get<std::string>();
        if (!cause.empty() && cause == std::exchange(last_cause, cause))
            cause = "for the same cause";
        fmt::print("{:12}  {:9}  {:6}  {}{}\n", row["id"].get<std::string>(),
                   row["state"].get<std::string>(), row["bits"].get<std::string>(),
                   row["coordinates"].get<std::string>(),
                   cause.empty() ? "" : "\n              " + cause);
    }
    fmt::print("\n{}: {}\n", opened.study.name, summary(counts));
    for (const auto& run : states.runs()) print_run(run);
    return exit_done;
}

int watch(const StatusArguments& arguments, const OpenedStudy& opened) {
    while (true) {
        if (isatty(STDOUT_FILENO)) fmt::print("\x1b[H\x1b[2J");
        show(arguments, opened);
        std::fflush(stdout);
        const StudyState states(opened);
        const bool any = std::any_of(states.runs().begin(), states.runs().end(),
                                     [](const auto& run) { return run.alive; });
        if (!any) return exit_done;
        std::this_thread::sleep_for(watch_interval);
    }
}

int show_costs(const StatusArguments& arguments, const OpenedStudy& opened) {
    if (arguments.method_costs) {
        print_method_costs(opened);
    } else {
        print_costs(opened, arguments.json);
    }
    return exit_done;
}

std::size_t find_experiment(const OpenedStudy& opened, const std::string& id) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < opened.work.experiments.size(); ++i) {
        ids.push_back(opened.work.experiments[i].id);
        if (!id.empty() && ids.back().starts_with(id)) return i;
    }
    throw Error::usage("no experiment of the study has this id")
        .advise("'aocq status' lists them")
        .found(id)
        .wanted(join(ids, ", "));
}

void print_differences(const engine::StageReport::Nearest& nearest) {
    constexpr std::size_t most = 12;
    fmt::print("    the most similar kept file, {}, differs in:\n", nearest.key.substr(0, 12));
    for (std::size_t i = 0; i < std::min(most, nearest.differences.size()); ++i) {
        const auto& one = nearest.differences[i];
        fmt::print("      {}: wanted {}, kept {}\n", one.path, one.wanted.dump(), one.kept.dump());
    }
    if (nearest.differences.size() > most) {
        fmt::print("      and {} more\n", nearest.differences.size() - most);
    }
}

int show_why(const StatusArguments& arguments, const OpenedStudy& opened) {
    const std::size_t index = find_experiment(opened, arguments.why);
    const ExperimentState state = StudyState(opened).of(index);
    fmt::print("{}  {}  {}\n", opened.work.experiments[index].id,
               config::to_string(opened.study.experiments[index].bits), to_string(state.state));
    for (const auto& stage : engine::explain(opened.work, opened.folder.cache(), index)) {
        switch (stage.condition) {
            case store::Condition::sound:
                fmt::print("  kept     {}\n", stage.label);
                continue;
            case store::Condition::damaged:
                fmt::print("  damaged  {}\n", stage.label);
                continue;
            case store::Condition::absent:
                break;
        }
        fmt::print("  missing  {}\n", stage.label);
        if (stage.nearest) print_differences(*stage.nearest);
    }
    return exit_done;
}

int status(const StatusArguments& arguments) {
    const OpenedStudy opened = open_study(arguments.study);
    if (!arguments.why.empty()) return show_why(arguments, opened);
    if (arguments.costs || arguments.method_costs) return show_costs(arguments, opened);
    return arguments.watch ? watch(arguments, opened) : show(arguments, opened);
}

}  // namespace

void add_status(CLI::App& app, Chosen& chosen) {
    auto arguments = std::make_shared<StatusArguments>();
    CLI::App* command =
        app.add_subcommand("status", "Show the state of every experiment, and what a run is doing");
    arguments->study.add_to(*command);
    command->add_flag("--json", arguments->json, "As JSON");
    auto* costs = command->add_flag("--costs", arguments->costs,
                                    "Seconds and memory that the stages took, of all runs");
    auto* method_costs =
        command->add_flag("--method-costs", arguments->method_costs,
                          "Seconds and memory of quantizing, per experiment, as CSV");
    auto* watch = command->add_flag("--watch", arguments->watch,
                                    "Show it again every two seconds while a run goes on");
    command
        ->add_option(
            "--why", arguments->why,
            "For one experiment (its id or the beginning): which stages are kept, and what "
            "about a missing one's key is new")
        ->excludes(costs)
        ->excludes(method_costs)
        ->excludes(watch);
    command->callback(
        [arguments, &chosen] { chosen = [arguments] { return status(*arguments); }; });
}

}  // namespace aocq::app
