// SPDX-License-Identifier: Apache-2.0
#include "engine/RunStudy.hpp"

#include <fmt/format.h>

#include <set>

#include "core/Log.hpp"
#include "core/Progress.hpp"
#include "engine/Facts.hpp"
#include "engine/ResultStore.hpp"
#include "engine/StudyRunner.hpp"
#include "engine/Work.hpp"
#include "engine/dispatch/Dispatch.hpp"
#include "par/Collective.hpp"

namespace aocq::engine {
namespace {

constexpr double seconds_per_segment = 2.0;

// Rank 0's reactions to what the ranks report.
class StudyEvents : public CoordinatorEvents {
  public:
    StudyEvents(const Work& work, const StudyFolder& folder, ResultStore& results)
        : work_(work), folder_(folder), results_(results), progress_("units", work.graph.size()) {}

    void start_at(std::uint64_t settled) { progress_.start_at(settled); }

    void on_result(const Unit& unit, int, std::vector<std::byte> payload, double) override {
        results_.add(unit, std::move(payload));
    }

    void on_failure(const Unit& unit, int rank, const Error& error,
                    std::vector<std::uint32_t> blocked) override {
        log_error("unit '{}' failed on rank {}: {}", unit.label, rank, error.what());
        blocked.push_back(unit.index);
        const std::set<std::uint32_t> lost(blocked.begin(), blocked.end());
        for (const ExperimentWork& experiment : work_.experiments) {
            const bool hit = std::any_of(experiment.leases.begin(), experiment.leases.end(),
                                         [&](std::uint32_t lease) { return lost.contains(lease); });
            if (!hit) continue;
            const Json record = {{"error", to_json(error)}, {"stage", unit.label}, {"rank", rank}};
            write_text(folder_.failure(experiment.id), canonical_json(record) + "\n");
        }
    }

    void on_tick(const SchedulerCounts& counts, double elapsed) override {
        progress_.update(counts.done,
                         fmt::format("{} experiments finished", results_.finished_count()));
        if (elapsed - last_segment_ < seconds_per_segment) return;
        last_segment_ = elapsed;
        results_.write_segment();
    }

    void on_lost(const Error&) override { results_.write_segment(); }

  private:
    const Work& work_;
    const StudyFolder& folder_;
    ResultStore& results_;
    Progress progress_;
    double last_segment_ = 0;
};

// The other ranks have no say.
struct IgnoredEvents : CoordinatorEvents {
    void on_result(const Unit&, int, std::vector<std::byte>, double) override {}
    void on_failure(const Unit&, int, const Error&, std::vector<std::uint32_t>) override {}
};

void require_one_class(const par::Communicator& communicator, const std::string& numerics) {
    const auto all = par::gather_all(communicator, numerics);
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
        if (all[rank] == all.front()) continue;
        throw Error::environment("the ranks would not compute the same bits")
            .because("they run on different kinds of processors or libraries")
            .advise("choose nodes of one kind (srun --constraint)")
            .at("rank", std::to_string(rank))
            .found(all[rank])
            .wanted(all.front());
    }
}

int to_exit_code(Outcome outcome) {
    switch (outcome) {
        case Outcome::done:
            return exit_done;
        case Outcome::some_failed:
            return exit_some_failed;
        case Outcome::stopped:
            break;
    }
    return exit_again;
}

}  // namespace

int run_study_all(const par::Communicator& communicator,
                  const std::function<config::Study()>& make_study, const RunOptions& options) {
    const std::string text = par::broadcast_made_all(communicator, [&] {
        const config::Study study = make_study();
        const Json plan = config::to_json(study);
        const Json facts = gather_facts(study);
        const StudyFolder folder(options.results, study.name);
        folder.claim();
        folder.keep_plan(plan);
        return canonical_json({{"study", plan}, {"facts", facts}});
    });
    const Json told = parse_json(text, "plan");
    const config::Study study = config::study_from_json(told.at("study"));
    const nn::DeviceChoice device = nn::choose_device(study.run.device, communicator.local_rank());
    const std::string numerics = nn::numerics_class(device, study.run.threads);
    require_one_class(communicator, numerics);
    const Work work = make_work(study, told.at("facts"), numerics);
    const StudyFolder folder(options.results, study.name);
    log_once("study '{}': {} experiments, {} units, {} rank(s), {}", study.name,
             study.experiments.size(), work.graph.size(), communicator.size(), numerics);

    // Before anybody waits for units: an error in reading earlier results ends all ranks alike.
    std::unique_ptr<ResultStore> results;
    std::vector<std::uint32_t> settled;
    par::broadcast_made_all(communicator, [&]() -> std::string {
        folder.record_numerics(numerics);
        results = std::make_unique<ResultStore>(study, work, folder);
        settled = results->settled_units();
        return "ready";
    });

    StudyRunner runner(study, work, folder, device);
    DispatchOptions dispatch;
    dispatch.stop = options.stop;
    Outcome outcome = Outcome::stopped;
    std::optional<Error> failure;
    if (communicator.rank() == 0) {
        try {
            StudyEvents events(work, folder, *results);
            events.start_at(settled.size());
            dispatch.done = settled;
            if (!settled.empty())
                log_info("{} of {} units need not run", settled.size(), work.graph.size());
            outcome = run_units(communicator, work.graph, runner, events, dispatch);
            results->write_segment();
            results->remove_segments_if_finished();
        } catch (const Error& error) {
            failure = error;
        }
    } else {
        IgnoredEvents events;
        outcome = run_units(communicator, work.graph, runner, events, dispatch);
    }
    // Whatever rank 0 met, all end with it.
    const std::string end = par::broadcast_made_all(communicator, [&]() -> std::string {
        if (failure) throw *failure;
        return std::to_string(to_exit_code(outcome));
    });
    return std::stoi(end);
}

}  // namespace aocq::engine
