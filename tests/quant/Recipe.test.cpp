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

TEST(Recipe, ForEachBlockIsUnrolledInOrder) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const Json method = {{"passes", {"fit", {{"for_each", "block"}, {"passes", {"fit"}}}}}};
    const Recipe recipe = recipe_from(Fields(method, "method"), graph);
    ASSERT_EQ(recipe.stages.size(), 3U);
    EXPECT_EQ(recipe.stages[0].scope, "");
    EXPECT_EQ(recipe.stages[1].scope, "blocks.0");
    EXPECT_EQ(recipe.stages[2].scope, "blocks.1");
}

TEST(Recipe, ForEachLinearNamesEveryLinearLayer) {
    const nn::Graph graph = nn::build_vit(test::small_shape());
    const Json method = {{"passes", {{{"for_each", "linear"}, {"passes", {"fit"}}}}}};
    const Recipe recipe = recipe_from(Fields(method, "method"), graph);
    ASSERT_EQ(recipe.stages.size(), 9U);
    EXPECT_EQ(recipe.stages[1].scope, "blocks.0.attn.proj");
    EXPECT_EQ(recipe.stages[8].scope, "head");
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
    PassContext context = toy.context();
    for (const auto& stage : recipe.stages) {
        context.scope = stage.scope;
        stage.run->apply(context, model);
    }
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
