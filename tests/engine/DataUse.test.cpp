// SPDX-License-Identifier: Apache-2.0
#include "engine/DataUse.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace aocq::engine {
namespace {

Json section(const Json& extra = Json::object()) {
    Json all = {{"kind", "generated"}, {"split", "evaluation"}, {"count", 40}, {"image_size", 64}};
    all.update(extra);
    return all;
}

std::string failing_key(const Json& value, Purpose purpose = Purpose::evaluation) {
    try {
        open_data(value, purpose);
    } catch (const Error& error) {
        return error.field("key");
    }
    return "accepted";
}

TEST(DataUse, AllImagesAndWholeBatchesByDefault) {
    const DataUse use = open_data(section({{"batch", 12}}), Purpose::evaluation);
    EXPECT_EQ(use.images, 40);
    EXPECT_EQ(use.lease % 12, 0);
}

TEST(DataUse, WrongKeysAndValuesNameTheirPath) {
    EXPECT_EQ(failing_key(section({{"batch", 0}})), "data.evaluation.batch");
    EXPECT_EQ(failing_key(section({{"batch", 8}, {"lease", 12}})), "data.evaluation.lease");
    EXPECT_EQ(failing_key(section({{"images", 41}})), "data.evaluation.images");
    EXPECT_EQ(failing_key(section({{"chunk", 4}})), "data.evaluation.chunk");
    EXPECT_EQ(failing_key(section({{"lease", 4}}), Purpose::calibration), "data.calibration.lease");
    EXPECT_EQ(failing_key(section({{"draw", 4}}), Purpose::calibration), "data.calibration.draw");
    EXPECT_EQ(failing_key(section({{"draw", -1}})), "data.evaluation.draw");
}

TEST(DataUse, SyntheticImagesNeedNoDataset) {
    const auto open = [](const Json& value) { return open_data(value, Purpose::calibration); };
    const DataUse use = open({{"source", "synthetic"}});
    EXPECT_FALSE(use.dataset);
    EXPECT_EQ(use.images, 32);
    EXPECT_EQ(use.size(), 32U);
    EXPECT_EQ(use.synthesis->iterations, 500);
    // A dataset beside them changes nothing, but is checked; so are options beside a dataset.
    const Json beside = section({{"source", "synthetic"}, {"images", 32}});
    EXPECT_EQ(open(beside).fingerprint(), use.fingerprint());
    EXPECT_TRUE(open(section({{"synthesis", {{"iterations", 5}}}})).dataset);
    EXPECT_EQ(failing_key(section({{"source", "synthetic"}, {"count", 0}}), Purpose::calibration),
              "data.calibration.count");
    // Noise has no options.
    const auto noise = [&](int iterations) {
        return open({{"source", "noise"}, {"synthesis", {{"iterations", iterations}}}});
    };
    EXPECT_EQ(noise(5).fingerprint(), noise(6).fingerprint());
    EXPECT_NE(noise(5).fingerprint(), use.fingerprint());
    EXPECT_EQ(noise(5).synthesis->iterations, 0);
}

TEST(DataUse, WrongKeysOfSyntheticImagesNameTheirPath) {
    const auto key = [](const Json& value) { return failing_key(value, Purpose::calibration); };
    const auto of = [&](const Json& synthesis) {
        return key({{"source", "synthetic"}, {"synthesis", synthesis}});
    };
    EXPECT_EQ(key({{"source", "synthetik"}}), "data.calibration.source");
    EXPECT_EQ(key({{"source", "synthetic"}, {"images", 0}}), "data.calibration.images");
    EXPECT_EQ(key({{"source", "synthetic"}, {"root", "x"}}), "data.calibration.root");
    EXPECT_EQ(failing_key(section({{"source", "noise"}})), "data.evaluation.source");
    EXPECT_EQ(of({{"iteration", 5}}), "data.calibration.synthesis.iteration");
    EXPECT_EQ(of({{"iterations", -1}}), "data.calibration.synthesis.iterations");
    EXPECT_EQ(of({{"at_once", 0}}), "data.calibration.synthesis.at_once");
    EXPECT_EQ(of({{"jitter", {1}}}), "data.calibration.synthesis.jitter");
    EXPECT_EQ(of({{"jitter", {1, 200}}}), "data.calibration.synthesis.jitter");
}

TEST(DataUse, FewerEvaluationImagesAreADrawAndNotTheFirst) {
    const auto few = [](int images, int draw = 0) {
        return open_data(section({{"images", images}, {"draw", draw}}), Purpose::evaluation);
    };
    const DataUse ten = few(10), twenty = few(20), all = few(40);
    ASSERT_EQ(ten.dataset->size(), 10U);
    EXPECT_EQ(ten.images, 10);
    std::set<std::string> larger;
    for (std::size_t i = 0; i < 20; ++i) larger.insert(twenty.dataset->name(i));
    bool first_ones = true;
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_TRUE(larger.contains(ten.dataset->name(i)));
        first_ones = first_ones && ten.dataset->name(i) == all.dataset->name(i);
    }
    EXPECT_FALSE(first_ones);
    // What a key of a result names.
    EXPECT_EQ(few(10).dataset->fingerprint(), ten.dataset->fingerprint());
    EXPECT_NE(few(10, 1).dataset->fingerprint(), ten.dataset->fingerprint());
    EXPECT_NE(all.dataset->fingerprint(), ten.dataset->fingerprint());
    EXPECT_EQ(few(40, 1).dataset->fingerprint(), all.dataset->fingerprint());
}

TEST(DataUse, CalibrationImagesDependOnTheSeedAndAreSorted) {
    const auto one = calibration_images(100, 16, 0), again = calibration_images(100, 16, 0);
    EXPECT_EQ(one, again);
    EXPECT_NE(one, calibration_images(100, 16, 1));
    EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
    EXPECT_NE(one.back(), 15U);  // not the first 16
}

}  // namespace
}  // namespace aocq::engine
