// SPDX-License-Identifier: Apache-2.0
#include "quant/Recipe.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

Error error_of(const Json& method) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    try {
        recipe_from(Fields(method, "method"), graph);
    } catch (const Error& error) {
        return error;
    }
    return Error::internal("accepted");
}

TEST(Recipe, ForEachBlockIsOneStageWithItsStepsInOrder) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const Json method = {{"passes", {"fit", {{"for_each", "block"}, {"passes", {"fit", "fit"}}}}}};
    const Recipe recipe = recipe_from(Fields(method, "method"), graph);
    ASSERT_EQ(recipe.stages.size(), 2U);
    EXPECT_EQ(recipe.stages[0].steps.at(0).scope, "");
    EXPECT_EQ(recipe.stages[1].label, "fit + fit");
    ASSERT_EQ(recipe.stages[1].steps.size(), 4U);
    EXPECT_EQ(recipe.stages[1].steps[1].scope, "blocks.0");
    EXPECT_EQ(recipe.stages[1].steps[2].scope, "blocks.1");
}

TEST(Recipe, ForEachLinearNamesEveryLinearLayer) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const Json method = {{"passes", {{{"for_each", "linear"}, {"passes", {"fit"}}}}}};
    const Recipe recipe = recipe_from(Fields(method, "method"), graph);
    const auto& steps = recipe.stages.at(0).steps;
    ASSERT_EQ(steps.size(), 9U);
    EXPECT_EQ(steps[1].scope, "blocks.0.attn.proj");
    EXPECT_EQ(steps[8].scope, "head");
}

Json leveled(const Json& levels) {
    return {{"passes", {"fit", "channel_balance", "weight_rounding"}},
            {"levels", levels},
            {"channel_balance", {{"level", "operator"}}},
            {"weight_rounding", {{"level", "loss"}}}};
}

TEST(Recipe, LevelThatIsOffPutsItsPassIntoTheNeutralForm) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const auto parameters = [&](const Json& levels, std::size_t stage) {
        return recipe_from(Fields(leveled(levels), "method"), graph)
            .stages.at(stage)
            .steps.front()
            .run->parameters();
    };
    EXPECT_EQ(parameters({"loss"}, 1).at("form"), "neutral");
    EXPECT_EQ(parameters({"loss"}, 2).at("cross"), true);
    EXPECT_EQ(parameters({"operator"}, 2).at("cross"), false);
    EXPECT_EQ(parameters({"operator"}, 2).at("solver"), "descent");
    EXPECT_EQ(parameters(Json::array(), 2).at("token_power"), 0.0);
}

TEST(Recipe, UnknownLevelIsAnErrorThatNamesTheNearest) {
    const Error error = error_of(leveled({"operater"}));
    EXPECT_EQ(error.field("key"), "method.levels");
    EXPECT_NE(error.remedy().find("'operator'"), std::string::npos);
}

TEST(Recipe, OnlyPassesThatAskForImagesMakeTheStageNeedThem) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const Recipe off = recipe_from(Fields(leveled(Json::array()), "method"), graph);
    EXPECT_FALSE(off.stages[1].needs().images);
    EXPECT_TRUE(off.stages[2].needs().images);
    EXPECT_FALSE(off.needs().sensitivity);
    EXPECT_TRUE(recipe_from(Fields(leveled({"operator"}), "method"), graph).needs().sensitivity);
}

TEST(Recipe, UnknownPassNamesTheNearest) {
    const Error error = error_of({{"passes", {"fitt"}}});
    EXPECT_EQ(error.problem(), "unknown pass");
    EXPECT_EQ(error.field("key"), "method.passes[0]");
    EXPECT_NE(error.remedy().find("'fit'"), std::string::npos);
}

TEST(Recipe, UnknownParameterAndMissingPassesAreErrors) {
    EXPECT_EQ(error_of({{"passes", {"fit"}}, {"fit", {{"observr", "mse"}}}}).field("key"),
              "method.fit.observr");
    EXPECT_EQ(error_of({{"name", "x"}}).field("key"), "method.passes");
    EXPECT_EQ(error_of({{"passes", {"fit"}}, {"fits", Json::object()}}).field("key"),
              "method.fits");
    EXPECT_EQ(error_of({{"passes", {"fit"}}, {"fit", {{"observer", "mean"}}}}).field("key"),
              "method.fit.observer");
}

TEST(Recipe, ScopedFitLeavesTheOtherBlocksUnfittedWhichIsAnError) {
    const test::Toy toy;
    const Json method = {{"passes", {{{"for_each", "block"}, {"passes", {"fit"}}}}}};
    const Recipe recipe = recipe_from(Fields(method, "method"), toy.graph);
    QuantizedModel model;
    model.quantization = Quantization(toy.sites, toy.schemes({8, 8}));
    run_steps(recipe.stages.front(), 0, toy.context(), model, [](std::size_t) {});
    EXPECT_TRUE(model.quantization.find("blocks.1.mlp.fc2:input")->fitted);
    EXPECT_FALSE(model.quantization.find("head:input")->fitted);
    try {
        model.quantization.require_fitted();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::config);
        EXPECT_EQ(error.reason(), "4 of 28 sites");
    }
}

}  // namespace
}  // namespace aocq::quant
