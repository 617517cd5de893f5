// SPDX-License-Identifier: Apache-2.0
#include "app/Results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "core/EnumTable.hpp"
#include "core/Log.hpp"
#include "engine/Facts.hpp"
#include "engine/ImageRecords.hpp"
#include "engine/StudyLock.hpp"
#include "nn/Model.hpp"
#include "nn/Numerics.hpp"
#include "quant/Footprint.hpp"
#include "report/Label.hpp"
#include "report/LongTable.hpp"
#include "report/Published.hpp"
#include "report/Render.hpp"
#include "report/Table.hpp"
#include "store/Bundle.hpp"

namespace aocq::app {

namespace {

constexpr EnumTable<State, 7> states{{{{State::pending, "pending"},
                                       {State::running, "running"},
                                       {State::done, "done"},
                                       {State::cached, "cached"},
                                       {State::failed, "failed"},
                                       {State::preempted, "preempted"},
                                       {State::stale, "stale"}}}};

// A coordinator writes every second or so; without locks, silence is the only sign of its end.
constexpr std::int64_t longest_silence = 30;

bool is_alive(const engine::StudyFolder& part, const engine::RunProgress& progress) {
    if (progress.state != engine::RunState::running) return false;
    return engine::StudyLock::is_held(part.lock()) ||
           std::time(nullptr) - progress.updated < longest_silence;
}

}  // namespace

std::string_view to_string(State state) {
    return states.name(state);
}

OpenedStudy open_study(const StudyArguments& arguments) {
    config::Study study = arguments.load();
    engine::StudyFolder folder = arguments.folder(study.name);
    // Of the last run: a login node without its GPUs may ask.
    std::string numerics = folder.recorded_numerics("");
    if (numerics.empty()) {
        numerics = nn::numerics_class(nn::choose_device(study.run.device, 0), study.run.threads);
    }
    engine::Work work = engine::make_work(study, engine::gather_facts(study), numerics);
    return {std::move(study), std::move(work), std::move(folder), numerics};
}

StudyState::StudyState(const OpenedStudy& opened) : opened_(opened) {
    for (const auto& part : opened.folder.all_parts()) {
        if (auto progress = engine::read_progress(part.progress())) {
            const bool alive = is_alive(part, *progress);
            runs_.push_back({std::move(*progress), alive});
        }
    }
    std::set<std::string> ours;
    for (const auto& work : opened.work.experiments) ours.insert(work.result_key);
    std::error_code code;
    for (fs::directory_iterator entry(opened.folder.experiments(), code), end;
         !code && entry != end; entry.increment(code)) {
        if (entry->path().extension() != ".h5" || ours.contains(entry->path().stem().string())) {
            continue;
        }
        try {
            const auto bundle = store::read_header(entry->path(), "result");
            other_results_.insert(bundle.attributes.at("id").get<std::string>());
        } catch (const std::exception& error) {
            log_warning("{}", error.what());
        }
    }
}

std::optional<ExperimentState> StudyState::failure_of(const std::string& id) const {
    const fs::path failure = opened_.folder.failure(id);
    if (!fs::exists(failure)) return std::nullopt;
    const Json record = parse_json(read_text(failure, 1U << 20), failure.string());
    Fields fields(record, "");
    const Error error = error_from_json(fields.value("error"));
    return ExperimentState{State::failed,
                           fmt::format("{} on rank {}: {}", fields.text("stage", "?"),
                                       fields.integer("rank", 0, 1 << 30, 0), error.what())};
}

ExperimentState StudyState::of(std::size_t experiment) const {
    const auto& work = opened_.work.experiments[experiment];
    if (fs::exists(opened_.folder.result(work.result_key))) {
        const bool before = std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) {
            return run.progress.reused.contains(work.id);
        });
        return {before ? State::cached : State::done, ""};
    }
    bool begun = false;
    for (const Run& run : runs_) {
        if (run.alive && run.progress.running.contains(work.id)) return {State::running, ""};
        // What a finished run has begun, it has ended: what is missing is of other keys.
        const bool finished = run.progress.state == engine::RunState::finished;
        if (!finished && run.progress.begun.contains(work.id)) begun = true;
    }
    if (auto failed = failure_of(work.id)) return *failed;
    if (begun) {
        const bool alive = std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) {
            return run.alive && run.progress.begun.contains(work.id);
        });
        return {alive ? State::running : State::preempted, ""};
    }
    if (other_results_.contains(work.id)) {
        return {State::stale, "there is a result of other sources or another numerics class"};
    }
    return {};
}

namespace {

// Bytes of the weights over those in float32; 1 for a float model, which has no schemes.
double memory_ratio(const config::Experiment& experiment,
                    const std::vector<quant::SiteScheme>& schemes) {
    if (schemes.empty()) return 1.0;
    const nn::ModelSpec spec = nn::model_spec_from(Fields(experiment.model, "model"));
    const nn::Graph graph = nn::build_graph(spec);
    const nn::ModelCost cost = nn::model_cost(graph, {1, 3, spec.image_size(), spec.image_size()});
    return quant::footprint(graph, quant::list_sites(graph), schemes, cost).memory_ratio();
}

std::vector<metrics::ImageResult> sorted_by_index(std::vector<metrics::ImageResult> images) {
    std::sort(images.begin(), images.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    return images;
}

}  // namespace

std::vector<report::ResultRow> collect_rows(const OpenedStudy& opened) {
    const StudyState states_now(opened);
    const auto& tables = opened.study.tables;
    const bool keeps_images = std::any_of(tables.begin(), tables.end(),
                                          [](const auto& table) { return !table.effects.empty(); });
    std::vector<report::ResultRow> rows;
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        const auto& experiment = opened.study.experiments[i];
        const auto& work = opened.work.experiments[i];
        report::ResultRow row;
        row.experiment_id = work.id;
        row.is_float = experiment.bits.is_float();
        row.bits = experiment.bits;
        row.seed = experiment.seed;
        row.coordinates = experiment.coordinates;
        row.model_name = work.model_name;
        row.uses = experiment.uses;
        row.memory_ratio = memory_ratio(experiment, work.schemes);
        const ExperimentState state = states_now.of(i);
        if (state.state == State::failed) row.failure = state.cause;
        if (state.state == State::done || state.state == State::cached) {
            try {
                const auto bundle =
                    store::read_bundle(opened.folder.result(work.result_key), "result");
                std::vector<metrics::ImageResult> images = engine::records_from_bundle(bundle);
                row.summary = metrics::summarize(images);
                if (keeps_images) row.images = sorted_by_index(std::move(images));
                row.complete = row.summary.n == work.images;
            } catch (const Error& error) {
                log_warning("{}", error.what());
                row.failure = error.problem();
            }
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string describe(const config::Coordinates& coordinates) {
    std::string text;
    for (const auto& [key, value] : coordinates) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, report::label_of(value));
    }
    return text;
}

void refuse_other_results(const OpenedStudy& opened) {
    const StudyState states_now(opened);
    std::size_t stale = 0;
    for (std::size_t i = 0; i < opened.study.experiments.size(); ++i) {
        switch (states_now.of(i).state) {
            case State::done:
            case State::cached:
                return;
            case State::stale:
                ++stale;
                break;
            default:
                break;
        }
    }
    if (stale == 0) return;
    throw Error::config("the results of this study are none of this program's")
        .because("they were made by other sources or on another numerics class")
        .advise("report with the program that made them, or run the study again")
        .at("folder", opened.folder.path().string())
        .found(fmt::format("{} finished experiments of others", stale));
}

std::string write_tables(const OpenedStudy& opened) {
    const auto rows = collect_rows(opened);
    const fs::path folder = opened.folder.tables();
    std::string all;
    for (const auto& spec : opened.study.tables) {
        std::optional<report::Published> published;
        if (!spec.published.file.empty()) published = report::Published::read(spec.published.file);
        const report::Table table =
            report::build_table(spec, rows, published ? &*published : nullptr);
        const std::string text = report::render_text(table);
        write_text(folder / (spec.name + ".txt"), text);
        write_text(folder / (spec.name + ".md"), report::render_markdown(table));
        write_text(folder / (spec.name + ".csv"), report::render_csv(table));
        all += text + "\n";
    }
    write_text(folder / "results.csv", report::long_table_csv(rows, opened.study.axis_keys));
    return all;
}

}  // namespace aocq::app
