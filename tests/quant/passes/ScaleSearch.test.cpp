// SPDX-License-Identifier: Apache-2.0
// The pass on small models.
#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

Json method(const Json& search, bool by_block = true) {
    const Json stage = {{"for_each", "block"}, {"passes", {"scale_search"}}};
    Json all = {{"passes", {"fit", by_block ? stage : Json("scale_search")}},
                {"fit", {{"observer", "minmax"}}},
                {"scale_search", search}};
    all["rule"] = Json::array({{{"kind", "*"}, {"symmetry", "symmetric"}},
                               {{"kind", "*.weight"}, {"granularity", "tensor"}},
                               {{"name", "*.qkv:weight"}, {"granularity", "part"}, {"parts", 3}},
                               {{"kind", "attention.probability"}, {"codec", "twin"}},
                               {{"name", "*.fc2:input"}, {"codec", "twin"}}});
    return all;
}

Json searched(const QuantizedModel& model) {
    Json sites = Json::object();
    for (const auto& pass : model.report) {
        if (pass.at("pass") == "scale_search") sites.update(pass.at("sites"));
    }
    return sites;
}

TEST(ScaleSearch, LowersItsObjectiveAtEveryLinearLayerAndProduct) {
    const test::Toy vit, swin(nn::build_swin(test::small_swin()));
    for (const test::Toy* toy : {&vit, &swin}) {
        for (const char* objective : {"hessian", "mse", "cosine", "pearson"}) {
            const QuantizedModel model = toy->made_by(
                method({{"objective", objective}, {"candidates", 5}, {"rounds", 1}}), {4, 4});
            const Json sites = searched(model);
            for (const nn::Node& node : toy->graph.nodes()) {
                if (node.role == nn::Role::none || node.role == nn::Role::patch) continue;
                const double before = sites.at(node.name).at("before");
                const double after = sites.at(node.name).at("after");
                EXPECT_LE(after, before) << objective << " " << node.name;
                EXPECT_GT(before, 0) << objective << " " << node.name;
            }
        }
    }
}

TEST(ScaleSearch, CountsTokensOfLayersAndQueriesOfProducts) {
    const test::Toy vit, swin(nn::build_swin(test::small_swin()));
    for (const test::Toy* toy : {&vit, &swin}) {
        const auto with = [&](std::int64_t tokens) {
            return toy->made_by(
                method(
                    {{"objective", "mse"}, {"candidates", 5}, {"rounds", 1}, {"tokens", tokens}}),
                {4, 4});
        };
        const QuantizedModel all = with(0), enough = with(1000), some = with(8);
        EXPECT_TRUE(at::equal(toy->simulated(all), toy->simulated(enough)));
        const Json of_all = searched(all), of_some = searched(some);
        for (const nn::Node& node : toy->graph.nodes()) {
            if (node.role != nn::Role::linear && node.role != nn::Role::attention_scores) continue;
            if (node.name.find("head") != std::string::npos) continue;  // has one token
            EXPECT_LT(of_some.at(node.name).at("before"), of_all.at(node.name).at("before"))
                << node.name;
            EXPECT_LE(of_some.at(node.name).at("after"), of_some.at(node.name).at("before"))
                << node.name;
        }
    }
}

TEST(ScaleSearch, BlocksDoNotReadEachOther) {
    const test::Toy toy;
    const Json search = {{"candidates", 5}, {"rounds", 2}, {"bias_correction", true}};
    const QuantizedModel whole = toy.made_by(method(search, false), {4, 4}),
                         blocks = toy.made_by(method(search), {4, 4});
    EXPECT_TRUE(at::equal(toy.simulated(whole), toy.simulated(blocks)));
    const Recipe recipe = recipe_from(Fields(method(search), "method"), toy.graph);
    EXPECT_TRUE(recipe.stages[1].has_independent_steps());
}

TEST(ScaleSearch, BringsTheLogitsNearerThanExtremesDo) {
    const test::Toy toy;
    const auto error = [&](const QuantizedModel& model) {
        return (toy.simulated(model) - toy.logits()).square().mean().item<double>();
    };
    Json plain = method(Json::object());
    plain["passes"] = Json::array({"fit"});
    plain.erase("scale_search");
    for (const char* objective : {"hessian", "mse", "cosine"}) {
        const Json search = {{"objective", objective}, {"candidates", 30}, {"rounds", 1}};
        EXPECT_LT(error(toy.made_by(method(search), {8, 8})), error(toy.made_by(plain, {8, 8})));
    }
}

TEST(ScaleSearch, BiasCorrectionAddsMissingBiasesAndRankingChangesTheScores) {
    const test::Toy swin(nn::build_swin(test::small_swin()));
    const QuantizedModel model = swin.made_by(method({{"objective", "pearson"},
                                                      {"candidates", 5},
                                                      {"rounds", 1},
                                                      {"bias_correction", true}}),
                                              {4, 4});
    ASSERT_EQ(model.edits.size(), 1U);  // the patch merging has none
    EXPECT_EQ(model.edits[0].kind, nn::EditKind::bias);
    const auto before_of = [&](double weight) {
        const Json sites = searched(swin.made_by(
            method({{"objective", "pearson"}, {"candidates", 5}, {"rank_weight", weight}}),
            {4, 4}));
        return std::pair<double, double>(sites.at("layers.0.blocks.0.attn.scores").at("before"),
                                         sites.at("layers.0.blocks.0.attn.context").at("before"));
    };
    EXPECT_GT(before_of(0.1).first, before_of(0.0).first);
    EXPECT_EQ(before_of(0.1).second, before_of(0.0).second);
}

TEST(ScaleSearch, ReleasedGradientsAreNoise) {
    const test::Toy toy;
    const auto largest = [&](bool released) {
        double sum = 0;
        const Json sites =
            searched(toy.made_by(method({{"candidates", 5}, {"as_released", released}}), {4, 4}));
        for (const auto& [site, figures] : sites.items()) sum += figures.at("before").get<double>();
        return sum;
    };
    EXPECT_LT(largest(true), 1e-6 * largest(false));
}

TEST(ScaleSearch, WithoutFittedScalesIsAnError) {
    const test::Toy toy;
    Json bare = method(Json::object());
    bare["passes"] = Json::array({"scale_search"});
    bare.erase("fit");
    try {
        toy.made_by(bare, {4, 4});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.problem(), "scale_search starts from fitted scales");
    }
}

TEST(ScaleSearch, OnlyTheHessianHasReleasedGradients) {
    const test::Toy toy;
    EXPECT_THROW(
        recipe_from(Fields(method({{"objective", "mse"}, {"as_released", true}}), "method"),
                    toy.graph),
        Error);
}

}  // namespace
}  // namespace aocq::quant
