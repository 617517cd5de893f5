// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Fit.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"
#include "quant/kernels/Observers.hpp"

namespace aocq::quant {
namespace {

TEST(Fit, MinMaxSpansTheSeenRange) {
    const test::Toy toy;
    const QuantizedModel model = toy.fitted({8, 6});
    for (const auto& s : toy.statistics.sites) {
        const Quantizer& q = *model.quantization.find(s.site);
        ASSERT_EQ(q.grids.size(), 1U) << s.site;
        EXPECT_EQ(q.grids.front(), grid_from_range(s.minimum, s.maximum, 6, Symmetry::asymmetric))
            << s.site;
    }
}

TEST(Fit, SearchedRangeIsNeverWorseThanTheExtremes) {
    const test::Toy toy;
    for (const char* observer : {"mse", "omse"}) {
        const QuantizedModel model = toy.fitted({8, 4}, {{"observer", observer}});
        int improved = 0;
        for (const auto& [site, objective] : model.report.at(0).items()) {
            if (!objective.contains("before")) continue;
            EXPECT_LE(objective.at("after").get<double>(),
                      objective.at("before").get<double>() * (1 + 1e-9))
                << site;
            improved += objective.at("after") < objective.at("before") ? 1 : 0;
        }
        EXPECT_GT(improved, 3) << observer;
    }
}

TEST(Fit, EveryObserverFitsEverySite) {
    const test::Toy toy;
    for (const auto& name : observer_names.names()) {
        EXPECT_NO_THROW(toy.fitted({4, 4}, {{"observer", name}}).quantization.require_fitted())
            << name;
    }
}

TEST(Fit, HeadsAndGroupsGetTheirOwnGrids) {
    const test::Toy toy;
    const QuantizedModel model = toy.fitted(
        {4, 8}, Json::object(),
        {test::rule({{"kind", "attention.*"}, {"granularity", "head"}}),
         test::rule({{"kind", "linear.weight"}, {"granularity", "group"}, {"group", 16}})});
    EXPECT_EQ(model.quantization.find("blocks.0.attn.scores:lhs")->grids.size(), 3U);
    EXPECT_EQ(model.quantization.find("blocks.0.attn.context:lhs")->grids.size(), 3U);
    EXPECT_EQ(model.quantization.find("blocks.0.attn.qkv:weight")->grids.size(), 144U * 3U);
}

TEST(Fit, IntegerSoftmaxCountsInTheStepsOfItsScores) {
    test::Toy toy;
    toy.observe_outputs();
    const QuantizedModel model = toy.fitted(
        {8, 8}, Json::object(),
        {test::rule({{"kind", "attention.score"}, {"quantize", true}}),
         test::rule({{"kind", "attention.probability"}, {"codec", "log_int"}, {"bits", 4}})});
    const auto scale = [&](const char* site) {
        return model.quantization.find(site)->grids.at(0).scale;
    };
    EXPECT_EQ(scale("blocks.1.attn.context:lhs"), scale("blocks.1.attn.scores:output"));
    EXPECT_NE(scale("blocks.1.attn.context:lhs"), scale("blocks.0.attn.context:lhs"));
}

TEST(Fit, SkippedKindsAreLeftToOthers) {
    test::Toy toy;
    toy.observe_outputs();
    const std::vector<Rule> rules{test::rule({{"kind", "residual"}, {"quantize", true}})};
    EXPECT_NO_THROW(toy.fitted({8, 8}, Json::object(), rules).quantization.require_fitted());
    const QuantizedModel model = toy.fitted({8, 8}, {{"skip", {"res*"}}}, rules);
    EXPECT_FALSE(model.quantization.find("blocks.0.residual1:output")->fitted);
    EXPECT_TRUE(model.quantization.find("blocks.0.mlp.fc2:input")->fitted);
    EXPECT_THROW(model.quantization.require_fitted(), Error);
}

TEST(Fit, ObserverThatNeedsSamplesPerHeadIsRefused) {
    const test::Toy toy;
    EXPECT_THROW(toy.fitted({8, 8}, {{"observer", "mse"}},
                            {test::rule({{"kind", "attention.value"}, {"granularity", "head"}})}),
                 Error);
}

TEST(Fit, RunningAverageForWeightsIsRefused) {
    const test::Toy toy;
    EXPECT_THROW(toy.fitted({8, 8}, {{"weight_observer", "ema"}}), Error);
}

}  // namespace
}  // namespace aocq::quant
