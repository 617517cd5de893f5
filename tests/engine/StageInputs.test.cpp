// SPDX-License-Identifier: Apache-2.0
#include "engine/StageInputs.hpp"

#include <gtest/gtest.h>

#include "engine/dispatch/UnitRunner.hpp"
#include "support/TempFolder.hpp"

namespace aocq::engine {
namespace {

store::Bundle statistics_of(const std::string& model) {
    return store::to_bundle(store::StatisticsFile{{{"model", model}}, {}});
}

store::Bundle sensitivity_of(float norm) {
    quant::Sensitivity found;
    found.images = 1;
    found.nodes["fc"] = {at::full({1, 2}, norm), at::zeros({3}, at::kDouble)};
    return quant::to_bundle(found, Json::object());
}

class StageInputsOfACache : public testing::Test {
  protected:
    test::TempFolder temp;
    StageCache cache{temp.path()};
    StageInputs inputs;

    void SetUp() override {
        cache.keep("statistics", "one", statistics_of("tiny"));
        cache.keep("statistics", "two", statistics_of("large"));
        cache.keep("sensitivity", "a", sensitivity_of(1));
        cache.keep("sensitivity", "b", sensitivity_of(2));
    }
};

TEST_F(StageInputsOfACache, AreThoseOfTheKeys) {
    inputs.hold(cache, "one", {"a", "b"});
    EXPECT_EQ(inputs.statistics().attributes.at("model"), "tiny");
    EXPECT_EQ(inputs.sensitivity().images, 2);
    inputs.hold(cache, "two", {"b"});
    EXPECT_EQ(inputs.statistics().attributes.at("model"), "large");
    EXPECT_EQ(inputs.sensitivity().images, 1);
    inputs.hold(cache, "two", {});
    EXPECT_EQ(inputs.sensitivity().images, 0);
}

TEST_F(StageInputsOfACache, AreReadOnce) {
    inputs.hold(cache, "one", {"a"});
    fs::remove_all(temp.path());
    inputs.hold(cache, "one", {"a"});
    EXPECT_EQ(inputs.statistics().attributes.at("model"), "tiny");
    EXPECT_EQ(inputs.sensitivity().images, 1);
}

TEST_F(StageInputsOfACache, WhatCannotBeReadIsNotHeld) {
    inputs.hold(cache, "one", {"a"});
    EXPECT_ANY_THROW(inputs.hold(cache, "one", {"missing"}));
    EXPECT_ANY_THROW(inputs.hold(cache, "one", {"missing"}));
    inputs.hold(cache, "one", {});
    EXPECT_EQ(inputs.sensitivity().images, 0);
    inputs.hold(cache, "one", {"a"});
    EXPECT_EQ(inputs.sensitivity().images, 1);
}

}  // namespace
}  // namespace aocq::engine
