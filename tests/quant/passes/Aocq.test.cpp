// SPDX-License-Identifier: Apache-2.0
// The three passes of configs/methods/aocq.toml on a small model.
#include <gtest/gtest.h>

#include <set>

#include "quant/Toy.hpp"
#include "quant/passes/LearnedRounding.hpp"

namespace aocq::quant {
namespace {

Json method(const Json& levels, const Json& rounding = Json::object()) {
    Json all = {{"passes",
                 {"fit",
                  "channel_balance",
                  {{"for_each", "block"}, {"passes", {"activation_step", "weight_rounding"}}}}},
                {"levels", levels},
                {"fit", {{"observer", "mse"}}},
                {"channel_balance", {{"level", "operator"}}},
                {"activation_step", {{"level", "framework"}}},
                {"weight_rounding", rounding}};
    all["weight_rounding"]["level"] = "loss";
    return all;
}

double divergence(const test::Toy& toy, const QuantizedModel& model) {
    const at::Tensor p = at::log_softmax(toy.logits().to(at::kDouble), -1);
    const at::Tensor q = at::log_softmax(toy.simulated(model).to(at::kDouble), -1);
    return (p.exp() * (p - q)).sum(-1).mean().item<double>();
}

TEST(Aocq, RewritesKeepTheFloatFunction) {
    const test::Toy toy;
    const at::Tensor before = toy.logits();
    const double range = (before.max() - before.min()).item<double>();
    for (const int refinements : {0, 20}) {
        Json all = method({"operator", "framework", "loss"});
        all["channel_balance"]["refinements"] = refinements;
        const QuantizedModel model = toy.made_by(all, {4, 4});
        EXPECT_LE((toy.rewritten(model) - before).abs().max().item<double>(), 1e-5 * range);
    }
}

TEST(Aocq, EveryLevelReportsObjectivesThatDoNotRise) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(method({"operator", "framework", "loss"}), {4, 4});
    int entries = 0;
    for (const auto& pass : model.report) {
        if (pass.at("pass") == "fit") continue;
        for (const auto& [site, figures] : pass.at("sites").items()) {
            EXPECT_LE(figures.at("after").get<double>(),
                      figures.at("before").get<double>() * (1 + 1e-9))
                << pass.at("pass") << " " << site;
            ++entries;
        }
    }
    EXPECT_GE(entries, 20);
}

TEST(Aocq, AllLevelsTogetherComeCloserToFloatThanNone) {
    const test::Toy toy;
    const double none =
        divergence(toy, toy.made_by(method(Json::array(), {{"solver", "nearest"}}), {4, 4}));
    const double all =
        divergence(toy, toy.made_by(method({"operator", "framework", "loss"}), {4, 4}));
    EXPECT_LT(all, none);
}

TEST(Aocq, NothingOnWithNearestRoundingIsTheUniformBaseline) {
    const test::Toy toy;
    const QuantizedModel off = toy.made_by(method(Json::array(), {{"solver", "nearest"}}), {4, 8});
    EXPECT_TRUE(
        at::equal(toy.simulated(off), toy.simulated(toy.fitted({4, 8}, {{"observer", "mse"}}))));
}

TEST(Aocq, EverySolverAndWidthWorks) {
    const test::Toy toy;
    for (const char* solver : {"nearest", "sweep", "descent", "learned"}) {
        for (const Widths widths : {Widths{8, 8}, Widths{2, 3}, Widths{4, 32}, Widths{32, 4}}) {
            const QuantizedModel model = toy.made_by(
                method({"operator", "framework", "loss"}, {{"solver", solver}, {"teacher", 0.5}}),
                widths);
            EXPECT_TRUE(at::isfinite(toy.simulated(model)).all().item<bool>())
                << solver << " " << widths.weights << " " << widths.activations;
        }
    }
}

TEST(Aocq, GroupsAndTokensWorkWithEverySolver) {
    const test::Toy toy;
    for (const char* solver : {"nearest", "sweep", "descent", "learned"}) {
        const QuantizedModel model = toy.made_by(
            method({"operator", "framework", "loss"}, {{"solver", solver}}), {4, 8},
            {test::rule({{"kind", "linear.weight"}, {"granularity", "group"}, {"group", 16}}),
             test::rule(
                 {{"kind", "linear.input"}, {"granularity", "token"}, {"mode", "dynamic"}})});
        EXPECT_TRUE(at::isfinite(toy.simulated(model)).all().item<bool>()) << solver;
        EXPECT_EQ(model.quantization.find("blocks.0.attn.qkv:weight")->grids.size(), 144U * 3U);
    }
}

TEST(Aocq, AllLevelsWorkOnASwin) {
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const QuantizedModel model = toy.made_by(method({"operator", "framework", "loss"}), {4, 4});
    const at::Tensor before = toy.logits();
    const double range = (before.max() - before.min()).item<double>();
    EXPECT_LE((toy.rewritten(model) - before).abs().max().item<double>(), 1e-5 * range);
    const double none =
        divergence(toy, toy.made_by(method(Json::array(), {{"solver", "nearest"}}), {4, 4}));
    EXPECT_LT(divergence(toy, model), none);
    const at::Tensor follows =
        toy.simulated(toy.made_by(method({"loss"}, {{"teacher", 0.5}}), {4, 4}));
    EXPECT_TRUE(at::isfinite(follows).all().item<bool>());
    std::set<std::string> balanced;
    for (const auto& pass : model.report) {
        if (pass.at("pass") != "channel_balance") continue;
        for (const auto& [site, figures] : pass.at("sites").items()) balanced.insert(site);
    }
    EXPECT_TRUE(balanced.contains("layers.0.blocks.1.attn.qkv:input"));
    EXPECT_TRUE(balanced.contains("layers.1.downsample.reduction:input"));
}

TEST(Aocq, PredictedAndMeasuredReductionStandInTheReport) {
    const test::Toy toy(nn::build_vit(test::small_shape()), [](test::Toy& made) {
        made.parameters.at("blocks.0.norm1.weight")[5] = 30.0F;
    });
    const QuantizedModel model = toy.made_by(method({"operator"}), {8, 4});
    const Json& entry = model.report.at(1).at("sites").at("blocks.0.attn.qkv:input");
    EXPECT_TRUE(entry.at("accepted").get<bool>());
    EXPECT_LT(entry.at("predicted_ratio").get<double>(), 0.2);
    EXPECT_LT(entry.at("measured_ratio").get<double>(), 0.5);
}

TEST(Aocq, RoundedWeightsLieOnTheirGrids) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(method({"loss"}), {3, 8});
    for (const auto& [name, tensor] : model.changed) {
        if (!name.ends_with(".weight")) continue;
        const std::string site = name.substr(0, name.size() - 7) + ":weight";
        const Site& place = *std::find_if(toy.sites.begin(), toy.sites.end(),
                                          [&](const Site& s) { return s.name == site; });
        const nn::NoGradients scope;
        EXPECT_TRUE(at::equal(fake_quantize(tensor, place, *model.quantization.find(site)), tensor))
            << name;
    }
    EXPECT_EQ(model.changed.size(), 16U);  // weight and bias of four layers in two blocks
}

TEST(Aocq, RunsAreRepeatable) {
    const test::Toy toy;
    const Json all = method({"operator", "framework", "loss"});
    EXPECT_TRUE(at::equal(toy.simulated(toy.made_by(all, {4, 4})),
                          toy.simulated(toy.made_by(all, {4, 4}))));
}

TEST(Aocq, StageThatWasLeftOffGoesOnWithTheSameBits) {
    const nn::NoGradients scope;
    // An outlier, so that the first block is rewritten.
    const test::Toy toy(nn::build_vit(test::small_shape()), [](test::Toy& change) {
        change.parameters.at("blocks.0.norm1.weight")[5] = 30.0F;
    });
    const Json all = method({"operator", "framework", "loss"}, {{"teacher", 0.5}});
    const Recipe recipe = recipe_from(Fields(all, "method"), toy.graph);
    const Sensitivity measured = toy.sensitivity();
    std::optional<QuantizedModel> saved;
    QuantizedModel whole;
    whole.quantization = Quantization(toy.sites, toy.schemes({4, 4}));
    for (const auto& stage : recipe.stages) {
        BlockWalk walk(toy.graph, toy.parameters, toy.batches());
        PassContext context = toy.context();
        context.walk = &walk;
        context.sensitivity = &measured;
        run_steps(stage, 0, context, whole, [&](std::size_t done) {
            if (stage.steps.size() == 4 && done == 2) saved = whole;
        });
    }
    ASSERT_TRUE(saved);
    ASSERT_FALSE(whole.balanced.empty());
    BlockWalk walk(toy.graph, toy.parameters, toy.batches());
    PassContext context = toy.context();
    context.walk = &walk;
    context.sensitivity = &measured;
    run_steps(recipe.stages.back(), 2, context, *saved, [](std::size_t) {});
    EXPECT_TRUE(at::equal(toy.simulated(*saved), toy.simulated(whole)));
    EXPECT_EQ(saved->report, whole.report);
}

TEST(Aocq, FollowingTheFloatModelMakesGoodWhatEarlierLayersLeft) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const at::Tensor expected = toy.logits();
    const auto distance = [&](Widths w, double teacher) {
        const QuantizedModel model = toy.made_by(method({"loss"}, {{"teacher", teacher}}), w);
        return (toy.simulated(model) - expected).square().mean().item<double>();
    };
    // Where activations do the damage: that of weights is the same for all images already.
    for (const Widths w : {Widths{8, 6}, Widths{8, 3}})
        EXPECT_LT(distance(w, 0.5), 0.8 * distance(w, 0.0)) << w.activations;
}

TEST(Aocq, FollowsTheFloatModelWithAndWithoutItsParts) {
    const nn::NoGradients scope;
    const test::Toy toy;
    for (const Json& rounding :
         {Json{{"teacher", 0.5}, {"bias", false}}, Json{{"teacher", 0.5}, {"cross", false}},
          Json{{"teacher", 1.0}, {"cross", false}, {"bias", false}},
          Json{{"teacher", 0.5}, {"solver", "halves"}}}) {
        for (const int activations : {4, 32}) {
            const at::Tensor found =
                toy.simulated(toy.made_by(method({"loss"}, rounding), {4, activations}));
            EXPECT_TRUE(at::isfinite(found).all().item<bool>()) << rounding.dump();
        }
    }
}

TEST(Aocq, ClassTokenMayCountAsMuchAsAllOthers) {
    const nn::NoGradients scope;
    Json all = method({"operator", "framework", "loss"});
    for (const char* pass : {"channel_balance", "activation_step", "weight_rounding"})
        all[pass]["tokens"] = "class";
    const test::Toy toy;
    const at::Tensor found = toy.simulated(toy.made_by(all, {4, 4}));
    EXPECT_TRUE(at::isfinite(found).all().item<bool>());
    EXPECT_FALSE(at::equal(
        found, toy.simulated(toy.made_by(method({"operator", "framework", "loss"}), {4, 4}))));
    // A Swin has none.
    const test::Toy swin(nn::build_swin(test::small_swin()));
    EXPECT_THROW(swin.made_by(all, {4, 4}), Error);
}

TEST(Aocq, BlockIsNotBalancedTwice) {
    const test::Toy toy;
    const Json twice = {{"passes", {"fit", "channel_balance", "channel_balance"}},
                        {"channel_balance", {{"margin", 0.0}}}};
    EXPECT_THROW(toy.made_by(twice, {4, 4}), Error);
}

TEST(LearnedRounding, BeatsNearestOnCorrelatedInputs) {
    const nn::NoGradients scope;
    const at::Tensor x =
        (test::formula("x", {200, 1}) * 4.0 + test::formula("y", {200, 16})).to(at::kDouble);
    const at::Tensor hessian = at::mm(x.t(), x);
    const at::Tensor position = test::formula("w", {8, 16}).to(at::kDouble) * 12.0 + 7.5;
    const at::Tensor scales = at::full({8, 16}, 0.1, at::kDouble);
    const at::Tensor codes =
        learn_codes({position, at::floor(position), position - at::floor(position), scales},
                    hessian, 15, {.iterations = 500, .rate = 2e-2});
    const auto error = [&](const at::Tensor& q) {
        const at::Tensor d = (q - position) * scales;
        return (at::mm(d, hessian) * d).sum().item<double>();
    };
    EXPECT_LT(error(codes), 0.8 * error(at::round(position).clamp(0, 15)));
    EXPECT_LT((codes - position).abs().max().item<double>(), 1.0);
}

}  // namespace
}  // namespace aocq::quant
