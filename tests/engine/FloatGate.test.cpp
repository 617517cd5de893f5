// SPDX-License-Identifier: Apache-2.0
#include "engine/FloatGate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/Facts.hpp"
#include "engine/ToyStudy.hpp"

namespace aocq::engine {
namespace {

using testing::HasSubstr;

const std::string weights(64, 'a'), list(64, 'b'), other(64, 'c');

Json preprocess() {
    return {{"size", 224},
            {"crop", 0.9},
            {"interpolation", "bicubic"},
            {"mean", {0.485, 0.456, 0.406}},
            {"std", {0.229, 0.224, 0.225}}};
}

Json count() {
    return {{"model", "deit_tiny"}, {"weights", weights},
            {"list", list},         {"images", 400},
            {"top1", 319},          {"tolerance", 1},
            {"source", "README"},   {"preprocess", preprocess()}};
}

FloatSubject subject() {
    FloatSubject s;
    s.model = "deit_tiny";
    s.weights = weights;
    s.list = list;
    s.listed = s.images = 400;
    s.classes = 1000;
    s.preprocess = data::to_json(data::preprocess_from(Fields(preprocess(), "preprocess")));
    s.published_top1 = 72.172;
    s.published_tolerance = 0.15;
    return s;
}

TEST(FloatGate, CountIsFoundByWeightsListImagesAndPreprocessing) {
    const FloatCounts counts(Json::array({count()}));
    const auto known = counts.references(subject());
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].top1, 319);
    EXPECT_EQ(known[0].source, "README");
    FloatSubject renamed = subject();
    renamed.model = "mine";
    EXPECT_EQ(counts.references(renamed).size(), 1U);
    const std::vector<void (*)(FloatSubject&)> changes{
        [](FloatSubject& s) { s.weights = other; }, [](FloatSubject& s) { s.list = other; },
        [](FloatSubject& s) { s.images = 399; },
        [](FloatSubject& s) { s.preprocess["crop"] = 0.875; },
        [](FloatSubject& s) { s.preprocess["mean"][2] = 0.5; }};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        FloatSubject changed = subject();
        changes[i](changed);
        EXPECT_TRUE(counts.references(changed).empty()) << i;
    }
}

TEST(FloatGate, PublishedAccuracyHoldsForAllOfImagenetsValidationSet) {
    const FloatCounts none(Json::array());
    FloatSubject all = subject();
    all.listed = all.images = 50'000;
    const auto known = none.references(all);
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].kind, FloatSource::published);
    EXPECT_DOUBLE_EQ(known[0].top1, 36'086);
    EXPECT_DOUBLE_EQ(known[0].tolerance, 75);
    FloatSubject part = all;
    part.images = 5'000;
    EXPECT_TRUE(none.references(part).empty());
    FloatSubject few = all;
    few.classes = 10;
    EXPECT_TRUE(none.references(few).empty());
    FloatSubject unpublished = all;
    unpublished.published_top1.reset();
    EXPECT_TRUE(none.references(unpublished).empty());
}

TEST(FloatGate, EveryReferenceMustAgree) {
    const std::vector<FloatReference> both{{FloatSource::counted, 319, 1, "counted"},
                                           {FloatSource::published, 322.4, 3, "published"}};
    EXPECT_EQ(contradicted(both, 320), nullptr);
    EXPECT_EQ(contradicted(both, 319)->source, "published");
    EXPECT_EQ(contradicted(both, 321)->source, "counted");
    EXPECT_EQ(contradicted({}, 0), nullptr);
}

TEST(FloatGate, ToleranceItselfStillAgrees) {
    const std::vector<FloatReference> known{{FloatSource::counted, 319, 1, ""}};
    EXPECT_EQ(contradicted(known, 318), nullptr);
    EXPECT_EQ(contradicted(known, 320), nullptr);
    EXPECT_NE(contradicted(known, 317), nullptr);
    EXPECT_NE(contradicted(known, 321), nullptr);
}

TEST(FloatGate, ErrorSaysWhatWasFoundAndWhatUsuallyIsWrong) {
    const Error error = float_error(subject(), {FloatSource::counted, 319, 1, "README"}, 290);
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("model"), "deit_tiny");
    EXPECT_EQ(error.field("found"), "290 of 400 right (72.50 %)");
    EXPECT_EQ(error.field("wanted"), "319 ± 1 (79.75 %)");
    for (const char* cause : {"crop", "mean and std", "order of the classes", "weights"})
        EXPECT_THAT(error.reason(), HasSubstr(cause));
    EXPECT_THAT(error.remedy(), HasSubstr("float_gate = \"warn\""));
}

std::string refused_key(const Json& table) {
    try {
        FloatCounts counts(Json::array({table}));
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::config);
        return error.field("key");
    }
    return "accepted";
}

TEST(FloatGate, TableThatIsNoCountIsRefusedWithItsKey) {
    EXPECT_EQ(refused_key(count()), "accepted");
    const std::vector<std::pair<std::string, Json>> faults{
        {"weights", "abc"},  {"list", std::string(64, 'X')},
        {"images", 0},       {"top1", 401},
        {"tolerance", -1},   {"source", 3},
        {"more", 1},         {"images", "many"},
        {"weights", nullptr}};
    for (const auto& [key, value] : faults) {
        Json table = count();
        table[key] = value;
        EXPECT_EQ(refused_key(table), "count[0]." + key);
    }
    Json table = count();
    table["preprocess"]["corp"] = 1;
    EXPECT_EQ(refused_key(table), "count[0].preprocess.corp");
}

// What a study knows of itself is what the recorded table is found by.
TEST(FloatGate, RecordedTableIsFoundAgain) {
    test::ToyStudy toy;
    const config::Study study = toy.study();
    const Json facts = gather_facts(study);
    const FloatSubject asked = float_subject(study.experiments.front(), facts);
    EXPECT_EQ(asked.images, 23);
    EXPECT_EQ(asked.classes, 20);
    std::filesystem::create_directories(toy.folder / "configs/float");
    write_text(toy.folder / "configs/float/mine.toml", count_table(asked, 7, "by \"hand\""));
    const config::Study again = toy.study();
    ASSERT_EQ(again.float_counts.size(), 1U);
    const auto known =
        FloatCounts(again.float_counts)
            .references(float_subject(again.experiments.front(), gather_facts(again)));
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].top1, 7);
    EXPECT_EQ(known[0].tolerance, 1);
    EXPECT_EQ(known[0].source, "by \"hand\"");
    toy.replace("images = 10", "images = 9");  // calibration is no part of it
    EXPECT_FALSE(
        FloatCounts(again.float_counts)
            .references(float_subject(toy.study().experiments.front(), gather_facts(toy.study())))
            .empty());
}

TEST(FloatGate, FewerImagesAreAListOfTheirOwn) {
    test::ToyStudy toy;
    const config::Study all = toy.study();
    const FloatSubject whole = float_subject(all.experiments.front(), gather_facts(all));
    toy.replace("batch = 4", "batch = 4\nimages = 8");
    const config::Study study = toy.study();
    const FloatSubject drawn = float_subject(study.experiments.front(), gather_facts(study));
    EXPECT_EQ(whole.listed, 23);
    EXPECT_EQ(drawn.images, 8);
    EXPECT_EQ(drawn.listed, 8);
    EXPECT_NE(drawn.list, whole.list);
}

}  // namespace
}  // namespace aocq::engine
