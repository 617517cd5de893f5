// SPDX-License-Identifier: Apache-2.0
#include "app/Results.hpp"

#include <fmt/format.h>

#include "core/Log.hpp"
#include "engine/Facts.hpp"
#include "engine/ImageRecords.hpp"
#include "nn/Numerics.hpp"
#include "report/Label.hpp"
#include "report/LongTable.hpp"
#include "report/Published.hpp"
#include "report/Render.hpp"
#include "report/Table.hpp"
#include "store/Bundle.hpp"

namespace aocq::app {

std::string_view to_string(State state) {
    switch (state) {
        case State::done:
            return "done";
        case State::failed:
            return "failed";
        case State::pending:
            break;
    }
    return "pending";
}

OpenedStudy open_study(const StudyArguments& arguments) {
    config::Study study = arguments.load();
    engine::StudyFolder folder(arguments.results, study.name);
    const std::string here =
        nn::numerics_class(nn::choose_device(study.run.device, 0), study.run.threads);
    const std::string numerics = folder.recorded_numerics(here);
    engine::Work work = engine::make_work(study, engine::gather_facts(study), numerics);
    return {std::move(study), std::move(work), std::move(folder), numerics};
}

ExperimentState state_of(const OpenedStudy& opened, std::size_t experiment) {
    const auto& work = opened.work.experiments[experiment];
    if (fs::exists(opened.folder.result(work.result_key))) return {State::done, ""};
    const fs::path failure = opened.folder.failure(work.id);
    if (!fs::exists(failure)) return {};
    const Json record = parse_json(read_text(failure, 1U << 20), failure.string());
    Fields fields(record, "");
    const Error error = error_from_json(fields.value("error"));
    return {State::failed, fmt::format("{}: {}", fields.text("stage", "?"), error.what())};
}

std::vector<report::ResultRow> collect_rows(const OpenedStudy& opened) {
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
        const ExperimentState state = state_of(opened, i);
        row.failure = state.cause;
        if (state.state == State::done) {
            try {
                const auto bundle =
                    store::read_bundle(opened.folder.result(work.result_key), "result");
                row.summary = metrics::summarize(engine::records_from_bundle(bundle));
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
