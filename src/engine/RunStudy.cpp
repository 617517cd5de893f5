// SPDX-License-Identifier: Apache-2.0
#include "engine/RunStudy.hpp"

#include <fmt/format.h>

#include <memory>

#include "core/Log.hpp"
#include "core/TemporaryFiles.hpp"
#include "engine/Facts.hpp"
#include "engine/Placement.hpp"
#include "engine/ResultStore.hpp"
#include "engine/StudyEvents.hpp"
#include "engine/StudyLock.hpp"
#include "engine/StudyRunner.hpp"
#include "engine/Work.hpp"
#include "engine/dispatch/Dispatch.hpp"
#include "par/Collective.hpp"

namespace aocq::engine {
namespace {

// The other ranks have no say.
struct IgnoredEvents : CoordinatorEvents {
    void on_result(const Unit&, int, std::vector<std::byte>, const UnitCost&) override {}
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

void require_room_all(const par::Communicator& communicator, int threads, nn::DeviceKind device) {
    const Json mine = to_json(place_of_this_rank(communicator.host()));
    std::vector<Place> places;
    for (const auto& text : par::gather_all(communicator, canonical_json(mine))) {
        places.push_back(place_from_json(parse_json(text, "place of a rank")));
    }
    require_room(places, threads, device);
}

void say_if_class_changed(const StudyFolder& folder, const std::string& numerics) {
    const std::string last = folder.recorded_numerics(numerics);
    if (last == numerics) return;
    log_warning(
        "the last run of this study was on '{}', this one is on '{}': their bits may differ, so "
        "their results are kept apart and everything is computed anew",
        last, numerics);
}

std::set<std::string> failed_ids(const Work& work, const StudyFolder& folder) {
    std::set<std::string> ids;
    for (const auto& experiment : work.experiments) {
        if (fs::exists(folder.failure(experiment.id))) ids.insert(experiment.id);
    }
    return ids;
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

// What rank 0 has besides the others: the folder, the lock, the results.
class Keeper {
  public:
    Keeper(const config::Study& study, const Work& work, const StudyFolder& folder,
           const StudyLock& lock, const std::string& numerics, const RunOptions& options)
        : work_(work), folder_(folder), lock_(lock), numerics_(numerics), options_(options) {
        remove_abandoned(folder.path());  // of killed runs
        say_if_class_changed(folder, numerics);
        folder.record_numerics(numerics);
        make_folder(folder.cache().folder());
        std::set<std::string> left_out;
        if (options.failed_before == FailedBefore::leave) left_out = failed_ids(work, folder);
        results_ = std::make_unique<ResultStore>(study, work, folder, left_out);
        left_out_ = results_->left_out();
        settled_ = results_->settled_units();
    }

    // Returns the exit code.
    int run(const par::Communicator& communicator, UnitRunner& runner, DispatchOptions dispatch) {
        StudyEvents events(work_, folder_, lock_, *results_, numerics_, settled_.size(),
                           options_.max_failures);
        if (!settled_.empty()) {
            log_info("{} of {} units need not run", settled_.size(), work_.graph.size());
        }
        std::string why;
        dispatch.done = settled_;
        dispatch.stop = [&] {
            if (why.empty()) why = options_.stop();
            return !why.empty() || events.has_enough();
        };
        Outcome outcome = Outcome::stopped;
        try {
            outcome = run_units(communicator, work_.graph, runner, events, dispatch);
        } catch (const Error& error) {
            end_badly(events, error);
            throw;
        }
        if (events.has_enough()) outcome = Outcome::some_failed;
        if (outcome == Outcome::done && left_out_ > 0) outcome = Outcome::some_failed;
        events.end(outcome == Outcome::stopped ? RunState::stopped : RunState::finished, why);
        results_->remove_segments_if_finished();
        return to_exit_code(outcome);
    }

  private:
    // What has come in is kept if the disk still takes it; the first error is the one to tell.
    static void end_badly(StudyEvents& events, const Error& error) {
        try {
            events.end(RunState::failed, error.what());
        } catch (const Error& second) {
            if (std::string(second.what()) != error.what()) {
                log_warning("what had come in could not be written: {}", second.what());
            }
        }
    }

    const Work& work_;
    const StudyFolder& folder_;
    const StudyLock& lock_;
    std::string numerics_;
    const RunOptions& options_;
    std::unique_ptr<ResultStore> results_;
    std::size_t left_out_ = 0;
    std::vector<std::uint32_t> settled_;
};

}  // namespace

int run_study_all(const par::Communicator& communicator,
                  const std::function<config::Study()>& make_study, const RunOptions& options) {
    std::unique_ptr<StudyLock> lock;  // rank 0's
    const std::string text = par::broadcast_made_all(communicator, [&] {
        const config::Study whole = make_study();
        const StudyFolder folder(options.results, whole.name, options.cache, options.part);
        folder.claim();
        lock = std::make_unique<StudyLock>(folder.lock());
        folder.keep_plan(config::to_json(whole));
        const config::Study study = select(whole, options.part);
        return canonical_json({{"study", config::to_json(study)}, {"facts", gather_facts(study)}});
    });
    const Json told = parse_json(text, "plan");
    const config::Study study = config::study_from_json(told.at("study"));
    const nn::DeviceChoice device = nn::choose_device(study.run.device, communicator.local_rank());
    const std::string numerics = nn::numerics_class(device, study.run.threads);
    require_one_class(communicator, numerics);
    if (options.oversubscription == Oversubscription::refuse) {
        require_room_all(communicator, study.run.threads, device.kind);
    }
    const Work work = make_work(study, told.at("facts"), numerics);
    const StudyFolder folder(options.results, study.name, options.cache, options.part);
    log_once("study '{}'{}: {} experiments, {} units, {} rank(s), {}", study.name,
             options.part.is_whole() ? "" : " (" + options.part.name() + ")",
             study.experiments.size(), work.graph.size(), communicator.size(), numerics);

    // Before anybody waits for units: an error in reading earlier results ends all ranks alike.
    std::unique_ptr<Keeper> keeper;
    par::broadcast_made_all(communicator, [&]() -> std::string {
        keeper = std::make_unique<Keeper>(study, work, folder, *lock, numerics, options);
        return "ready";
    });

    StudyRunner runner(study, work, folder, device, options.memory);
    DispatchOptions dispatch;
    dispatch.coordinator.silence_limit = options.silence_limit;
    dispatch.stop = [&] { return !options.stop().empty(); };
    int code = exit_again;
    std::optional<Error> failure;
    if (keeper) {
        try {
            code = keeper->run(communicator, runner, dispatch);
        } catch (const Error& error) {
            failure = error;
        }
    } else {
        IgnoredEvents events;
        run_units(communicator, work.graph, runner, events, dispatch);
    }
    // Whatever rank 0 met, all end with it.
    const std::string end = par::broadcast_made_all(communicator, [&]() -> std::string {
        if (failure) throw *failure;
        return std::to_string(code);
    });
    return std::stoi(end);
}

}  // namespace aocq::engine
