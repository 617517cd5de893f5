// SPDX-License-Identifier: Apache-2.0
#include "report/Effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq::report {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// Four images; image i has the divergence `kl + i` and is right where i < right.
ResultRow result(const Json& switches, double kl, std::uint32_t right, std::int64_t seed = 0) {
    ResultRow row;
    row.bits = {4, 4};
    row.coordinates = {{"method.levels", switches}, {"bits", "W4A4"}, {"seed", seed}};
    row.experiment_id = row.coordinates.front().second.dump() + std::to_string(seed);
    for (std::uint32_t i = 0; i < 4; ++i) {
        metrics::ImageResult image;
        image.index = i;
        image.label = 7;
        image.top5[0] = i < right ? 7 : 1;
        image.kl = kl + i;
        row.images.push_back(image);
    }
    row.summary.n = 4;
    row.complete = true;
    return row;
}

config::TableSpec spec_of() {
    config::TableSpec spec;
    spec.name = "effects";
    spec.columns = {"bits"};
    spec.cells = {"kl", "top1"};
    spec.effects = "method.levels";
    return spec;
}

// kl = 10 - 4 a - b + ab, so a: -3.5, b: -0.5, a x b: 0.5, the same for every image.
std::vector<ResultRow> factorial() {
    return {result(Json::array(), 10, 1), result({"a"}, 6, 2), result({"b"}, 9, 1),
            result({"a", "b"}, 6, 3)};
}

TEST(Effects, AreMeansOverTheSettingsOfTheOtherSwitches) {
    const Table table = build_effects(spec_of(), factorial());
    ASSERT_EQ(table.parts.size(), 2U);
    const TablePart& kl = table.parts[0];
    EXPECT_THAT(kl.label_headers, ElementsAre("effect of"));
    ASSERT_EQ(kl.rows.size(), 3U);
    EXPECT_THAT(kl.rows[0].labels, ElementsAre("a"));
    EXPECT_THAT(kl.rows[0].cells, ElementsAre("-3.500 ± 0.000"));
    EXPECT_THAT(kl.rows[1].cells, ElementsAre("-0.5000 ± 0.000"));
    EXPECT_THAT(kl.rows[2].labels, ElementsAre("a × b"));
    EXPECT_THAT(kl.rows[2].cells, ElementsAre("+0.5000 ± 0.000"));
}

TEST(Effects, IntervalsComeFromDifferencesOfTheSameImages) {
    const TablePart top1 = build_effects(spec_of(), factorial()).parts[1];
    // Image 1 is right with a only, image 2 with both only: (0, 100, 50, 0) has the mean 37.5 and
    // the standard error 23.936.
    EXPECT_THAT(top1.rows[0].cells, ElementsAre("+37.50 ± 46.91"));
}

TEST(Effects, SeedsAreAveraged) {
    std::vector<ResultRow> rows = factorial();
    for (ResultRow row : factorial()) {
        row.coordinates.back().second = 1;
        row.seed = 1;
        row.experiment_id += "1";
        if (row.coordinates.front().second == Json{"a"}) row = result({"a"}, 4, 2, 1);
        rows.push_back(row);
    }
    // With seed 1, a alone is 2 lower: a's effect is lower by 1 there, and by .5 in the mean.
    EXPECT_THAT(build_effects(spec_of(), rows).parts[0].rows[0].cells,
                ElementsAre("-4.000 ± 0.000"));
}

TEST(Effects, AnUnfinishedFactorialHasNone) {
    std::vector<ResultRow> rows = factorial();
    rows[2].complete = false;
    const TablePart part = build_effects(spec_of(), rows).parts[0];
    EXPECT_THAT(part.rows[0].cells, ElementsAre("—"));
    rows.erase(rows.begin() + 2);
    EXPECT_THAT(build_effects(spec_of(), rows).parts[0].rows[0].cells, ElementsAre("—"));
}

TEST(Effects, NeedAnAxisOfSets) {
    config::TableSpec spec = spec_of();
    spec.effects = "bits";
    EXPECT_THROW(build_effects(spec, factorial()), Error);
    spec = spec_of();
    spec.cells = {"memory"};
    EXPECT_THROW(build_effects(spec, factorial()), Error);
}

TEST(Effects, NotesSayWhatAnEffectIs) {
    EXPECT_THAT(build_effects(spec_of(), factorial()).notes,
                Contains(HasSubstr("with the switch less the value without it")));
}

}  // namespace
}  // namespace aocq::report
