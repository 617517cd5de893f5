// SPDX-License-Identifier: Apache-2.0
#include "report/Table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/Error.hpp"
#include "report/Examples.hpp"
#include "report/Label.hpp"

namespace aocq::report {
namespace {

using test::example;
using test::example_spec;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> headers(const TablePart& part) {
    std::vector<std::string> all;
    for (const auto& column : part.columns) all.push_back(column.header);
    return all;
}

TEST(Label, PrintsValuesPlainly) {
    EXPECT_EQ(label_of("mse"), "mse");
    EXPECT_EQ(label_of(Json{"operator", "loss"}), "operator+loss");
    EXPECT_EQ(label_of(Json::array()), "none");
    EXPECT_EQ(label_of(32), "32");
    EXPECT_EQ(label_of(0.1), "0.1");
    EXPECT_EQ(label_of(true), "true");
    EXPECT_EQ(label_of(nullptr), "default");
    EXPECT_EQ(label_of("a\x1b[31m\nb"), "a [31m b");
    const std::vector<std::string> keys{"a.bits", "b.bits", "method.observer"};
    EXPECT_THAT(short_names(keys), ElementsAre("a.bits", "b.bits", "observer"));
    const std::vector<std::string> uses{"model.use", "method.use", "bits"};
    EXPECT_THAT(short_names(uses), ElementsAre("model", "method", "bits"));
}

TEST(Table, PutsTheFloatModelFirstAndRepeatsItsValue) {
    const Table table = build_table(example_spec(), example(), nullptr);
    ASSERT_EQ(table.parts.size(), 2U);
    const TablePart& top1 = table.parts[0];
    EXPECT_EQ(top1.title, "top1 (%)");
    EXPECT_THAT(top1.label_headers, ElementsAre("observer"));
    EXPECT_THAT(headers(top1), ElementsAre("W8A8", "W4A4"));
    ASSERT_EQ(top1.rows.size(), 3U);
    EXPECT_THAT(top1.rows[0].labels, ElementsAre("float"));
    EXPECT_THAT(top1.rows[0].cells, ElementsAre("72.50", "72.50"));
    EXPECT_THAT(top1.rows[1].labels, ElementsAre("minmax"));
    EXPECT_THAT(top1.rows[1].cells, ElementsAre("71.25", "10.00"));
    EXPECT_THAT(table.parts[1].rows[0].cells, ElementsAre("ref.", "ref."));
    EXPECT_THAT(table.parts[1].rows[1].cells, ElementsAre("0.03125", "4.500"));
}

TEST(Table, WidthsNeedNotBeAnAxisToBeColumns) {
    std::vector<ResultRow> rows = example();
    for (ResultRow& row : rows) {
        std::erase_if(row.coordinates, [](const auto& entry) { return entry.first == "bits"; });
    }
    const Table table = build_table(example_spec(), rows, nullptr);
    EXPECT_THAT(headers(table.parts[0]), ElementsAre("W8A8", "W4A4"));
    EXPECT_THAT(table.parts[0].rows[1].cells, ElementsAre("71.25", "10.00"));
}

TEST(Table, ShowsMeanAndDeviationOverSeeds) {
    const Table table = build_table(example_spec(), example(), nullptr);
    // 72.00 and 71.50: deviation 0.5 / sqrt(2)
    EXPECT_EQ(table.parts[0].rows[2].cells[0], "71.75 ± 0.35 (n=2)");
    EXPECT_THAT(table.notes, Contains(HasSubstr("Seeds: 0, 1; cells are mean ± standard dev")));
    EXPECT_THAT(table.notes, Contains(HasSubstr("n = 400 images.")));
}

TEST(Table, NamesFailuresInAFootnote) {
    auto rows = example();
    Table table = build_table(example_spec(), rows, nullptr);
    EXPECT_EQ(table.parts[0].rows[2].cells[1], "failed[1]");
    EXPECT_THAT(table.notes, Not(Contains(HasSubstr("not finished yet"))));
    EXPECT_EQ(table.notes.back(), "[1] a value is not finite (blocks.3.mlp.fc2 | NaN) stop");

    rows[6] = test::result("mse", {4, 4}, 1, 100, 1);
    table = build_table(example_spec(), rows, nullptr);
    EXPECT_EQ(table.parts[0].rows[2].cells[1], "25.00 (n=1/2)[1]");

    rows[5].failure.clear();
    rows[6] = test::example()[6];
    table = build_table(example_spec(), rows, nullptr);
    EXPECT_EQ(table.parts[0].rows[2].cells[1], "—");
    EXPECT_THAT(table.notes, Contains(HasSubstr("not finished yet")));
}

TEST(Table, LeavesACellEmptyThatTheStudyDoesNotHave) {
    auto rows = example();
    rows.erase(rows.begin() + 2);  // minmax W4A4
    const Table table = build_table(example_spec(), rows, nullptr);
    EXPECT_THAT(table.parts[0].rows[1].cells, ElementsAre("71.25", ""));
}

TEST(Table, ShowsPublishedNumbersAndMarksLargeDifferences) {
    const Published published = Published::parse(test::published_csv, "p.csv");
    const Table table = build_table(example_spec(), example(), &published);
    const TablePart& top1 = table.parts[0];
    EXPECT_THAT(headers(top1), ElementsAre("W8A8", "W8A8 publ.", "W8A8 diff.", "W4A4", "W4A4 publ.",
                                           "W4A4 diff."));
    EXPECT_THAT(top1.rows[0].cells,
                ElementsAre("72.50", "72.21", "+0.29", "72.50", "72.21", "+0.29"));
    EXPECT_THAT(top1.rows[1].cells, ElementsAre("71.25", "71.00", "+0.25", "10.00", "", ""));
    EXPECT_EQ(top1.rows[2].cells[1], "73.25");
    EXPECT_EQ(top1.rows[2].cells[2], "-1.50*");
    EXPECT_EQ(table.parts[1].columns.size(), 2U);  // nothing is published about the divergence
    EXPECT_THAT(table.notes, Contains(HasSubstr("a paper, table 1; another paper. They may come "
                                                "from other sets of images")));
    EXPECT_THAT(table.notes, Contains(HasSubstr("* beyond 0.50")));
    EXPECT_THAT(table.notes,
                Contains("Published numbers disagree on DeiT-T, OMSE W8A8: 73.25 (shown), 70.00 "
                         "by a rerun."));
}

TEST(Table, OfSeveralPublishedNamesTheFirstWithANumberCounts) {
    const Published published = Published::parse(test::published_csv, "p.csv");
    auto spec = example_spec();
    spec.published.methods = {{"minmax", std::vector<std::string>{"MinMax(rerun)", "MinMax"}},
                              {"mse", std::vector<std::string>{"OMSE", "MinMax"}}};
    const Table table = build_table(spec, example(), &published);
    EXPECT_EQ(table.parts[0].rows[1].cells[1], "71.00");
    EXPECT_EQ(table.parts[0].rows[2].cells[1], "73.25");
}

TEST(Table, ADifferenceOfExactlyTheToleranceIsNotMarked) {
    const Published published = Published::parse(test::published_csv, "p.csv");
    auto spec = example_spec();
    spec.published.tolerance = 1.5;
    EXPECT_EQ(build_table(spec, example(), &published).parts[0].rows[2].cells[2], "-1.50");
    spec.published.tolerance = 0;  // none declared
    EXPECT_EQ(build_table(spec, example(), &published).parts[0].rows[2].cells[2], "-1.50");
    spec.published.tolerance = 1.49;
    EXPECT_EQ(build_table(spec, example(), &published).parts[0].rows[2].cells[2], "-1.50*");
}

TEST(Table, GivesTheWidestIntervalOfEachMetric) {
    const Table table = build_table(example_spec(), example(), nullptr);
    // Wilson for 285 of 400: 4.4196 is the widest of the shown ones.
    EXPECT_THAT(table.notes, Contains(HasSubstr("(Wilson) at most ± 4.42 percentage points")));
    // 1.96 · 4.5 / 16
    EXPECT_THAT(table.notes, Contains(HasSubstr("(normal) at most ± 0.5512 nats")));
}

TEST(Table, AddsAnAxisThatWouldOtherwiseBeAveragedOver) {
    auto rows =
        std::vector{test::result("mse", {8, 8}, 0, 100, 1), test::result("mse", {8, 8}, 0, 200, 1)};
    rows[0].coordinates.emplace_back("data.calibration.images", 32);
    rows[1].coordinates.emplace_back("data.calibration.images", 128);
    rows[1].experiment_id += "b";
    const Table table = build_table(example_spec(), rows, nullptr);
    EXPECT_THAT(table.parts[0].label_headers, ElementsAre("observer", "images"));
    EXPECT_THAT(table.parts[0].rows[0].labels, ElementsAre("mse", "32"));
    EXPECT_THAT(table.parts[0].rows[1].cells, ElementsAre("50.00"));
    EXPECT_THAT(table.notes, Contains(HasSubstr("differ in data.calibration.images")));
}

std::vector<ResultRow> two_models() {
    std::vector<ResultRow> rows{test::float_result("A", 300), test::float_result("B", 200)};
    rows[0].coordinates = {{"model.use", "a"}};
    rows[1].coordinates = {{"model.use", "b"}};
    for (const std::string model : {"A", "B"}) {
        rows.push_back(test::result("mse", {8, 8}, 0, 100, 1));
        rows.back().model_name = model;
        rows.back().experiment_id += model;
        rows.back().coordinates.emplace_back("model.use", model == "A" ? "a" : "b");
    }
    return rows;
}

TEST(Table, ModelsAsColumnsShareOneFloatRow) {
    auto spec = example_spec();
    spec.columns = {"model.use"};
    const TablePart part = build_table(spec, two_models(), nullptr).parts[0];
    ASSERT_EQ(part.rows.size(), 2U);
    EXPECT_THAT(part.rows[0].labels, ElementsAre("float"));
    EXPECT_THAT(part.rows[0].cells, ElementsAre("75.00", "50.00"));
}

TEST(Table, ModelsAsRowsHaveAFloatRowEach) {
    auto spec = example_spec();
    spec.rows = {"model.use", "method.observer"};
    const TablePart part = build_table(spec, two_models(), nullptr).parts[0];
    ASSERT_EQ(part.rows.size(), 4U);
    EXPECT_THAT(part.rows[0].labels, ElementsAre("float A", ""));
    EXPECT_THAT(part.rows[0].cells, ElementsAre("75.00"));
    EXPECT_THAT(part.rows[1].labels, ElementsAre("float B", ""));
    EXPECT_THAT(part.rows[1].cells, ElementsAre("50.00"));
}

TEST(Table, TwoFloatModelsOfOneNameAreToldApartByTheirAxes) {
    auto spec = example_spec();
    auto rows = two_models();
    spec.rows = {"model.use"};
    for (auto& row : rows) row.model_name = "same";
    const TablePart part = build_table(spec, rows, nullptr).parts[0];
    ASSERT_EQ(part.rows.size(), 4U);
    EXPECT_THAT(part.rows[0].labels, ElementsAre("float same"));
    EXPECT_THAT(part.rows[1].labels, ElementsAre("float same, model.use=b"));
}

TEST(Table, KeepsTheOrderOfTheStudyAndNotOfTheAlphabet) {
    auto rows = example();
    for (auto& row : rows) {
        for (auto& [key, value] : row.coordinates) {
            if (value == "mse") value = "a_late_one";
        }
    }
    const TablePart part = build_table(example_spec(), rows, nullptr).parts[0];
    EXPECT_EQ(part.rows[1].labels[0], "minmax");
    EXPECT_EQ(part.rows[2].labels[0], "a_late_one");
}

TEST(Table, WorksWithoutRowOrColumnAxes) {
    auto spec = example_spec();
    spec.rows.clear();
    spec.columns.clear();
    const std::vector<ResultRow> rows{example()[0], example()[1]};
    const TablePart part = build_table(spec, rows, nullptr).parts[0];
    EXPECT_THAT(headers(part), ElementsAre("top1"));
    ASSERT_EQ(part.rows.size(), 2U);
    EXPECT_THAT(part.rows[1].labels, ElementsAre("quantized"));
    EXPECT_THAT(part.rows[1].cells, ElementsAre("71.25"));
}

TEST(Table, AStudyOfFloatModelsShowsThem) {
    const std::vector<ResultRow> rows{example()[0]};
    const TablePart part = build_table(example_spec(), rows, nullptr).parts[0];
    ASSERT_EQ(part.rows.size(), 1U);
    EXPECT_THAT(part.rows[0].cells, ElementsAre("72.50"));
    EXPECT_TRUE(build_table(example_spec(), {}, nullptr).parts[0].rows.empty());
}

TEST(Table, RefusesAnUnknownMetricWithTheNearestName) {
    auto spec = example_spec();
    spec.cells = {"top2"};
    try {
        build_table(spec, example(), nullptr);
        FAIL() << "was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::config);
        EXPECT_EQ(error.remedy(), "did you mean \"top1\"?");
    }
}

TEST(Table, MemoryIsARatioWithoutAnInterval) {
    auto rows = test::example();
    config::TableSpec spec = test::example_spec();
    spec.cells = {"memory"};
    for (auto& row : rows) row.memory_ratio = row.is_float ? 1.0 : row.bits.weights / 32.0 + 0.003;
    const Table table = build_table(spec, rows, nullptr);
    ASSERT_EQ(table.parts.size(), 1U);
    EXPECT_EQ(table.parts[0].title, "memory (of float32)");
    EXPECT_EQ(table.parts[0].rows[0].cells[0], "1.000");
    EXPECT_EQ(table.parts[0].rows[1].cells, (std::vector<std::string>{"0.2530", "0.1280"}));
    for (const auto& note : table.notes)
        EXPECT_EQ(note.find("interval"), std::string::npos) << note;
}

}  // namespace
}  // namespace aocq::report
