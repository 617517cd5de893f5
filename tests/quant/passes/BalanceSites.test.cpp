// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceSites.hpp"

#include <gtest/gtest.h>

#include "nn/Model.hpp"
#include "quant/Toy.hpp"
#include "support/TestData.hpp"

namespace aocq::quant {
namespace {

// Scales between 1/8 and 8 and shifts of either sign, different for every channel.
Balance strong_balance(std::int64_t channels) {
    const at::Tensor scale = at::exp2(test::formula("scale", {channels}) * 12.0);
    return {scale, test::formula("shift", {channels}) * 2.0};
}

// Change of the logits as a share of their range.
double largest_change(const at::Tensor& before, const at::Tensor& after) {
    return ((after - before).abs().max() / (before.max() - before.min())).item<double>();
}

double largest_change(const test::Toy& toy, const QuantizedModel& model) {
    return largest_change(toy.logits(), toy.rewritten(model));
}

void fold_any(const PassContext& context, const BalanceSite& site, Balance balance,
              QuantizedModel& model) {
    if (site.kind == BalanceKind::scores) {
        fold_scores(context, site, balance, model);
    } else {
        fold(context, site, balance, model);
    }
}

// The map [B, H, W, C] that a site's norm makes.
at::Tensor map_of(const nn::Graph& graph, const nn::Parameters& parameters,
                  const at::Tensor& images, const BalanceSite& site) {
    const nn::NoGradients scope;
    nn::RunOptions options;
    options.taps = {graph.nodes()[site.producer].output};
    return nn::run(graph, parameters, {{graph.input(), images}}, options).begin()->second;
}

// A map of 6x6 places in windows of 4: padded before and, in the second block, after a shift.
nn::Graph padded_swin() {
    nn::SwinShape shape = test::small_swin();
    shape.image_size = 24;
    return nn::build_swin(shape);
}

TEST(BalanceSites, AreFoundInEveryBlockInOrder) {
    const test::Toy toy;
    const auto sites = find_balance_sites(toy.context(), 1);
    ASSERT_EQ(sites.size(), 5U);
    const BalanceKind wanted[] = {BalanceKind::norm, BalanceKind::scores, BalanceKind::value,
                                  BalanceKind::norm, BalanceKind::activation};
    for (std::size_t i = 0; i < sites.size(); ++i) EXPECT_EQ(sites[i].kind, wanted[i]) << i;
    EXPECT_EQ(toy.graph.nodes()[sites[2].producer].name, "blocks.1.attn.qkv");
    EXPECT_EQ(toy.graph.nodes()[sites[2].consumers.front()].name, "blocks.1.attn.proj");
    EXPECT_EQ(sites[4].channels, 192);
}

TEST(BalanceSites, EveryFoldLeavesTheFloatFunctionAsItWas) {
    const test::Toy toy;
    for (std::size_t block = 0; block < 2; ++block) {
        for (const BalanceSite& site : find_balance_sites(toy.context(), block)) {
            QuantizedModel model;
            fold_any(toy.context(), site, strong_balance(site.channels), model);
            EXPECT_FALSE(model.balanced.empty());
            EXPECT_LE(largest_change(toy, model), 1e-5)
                << block << " " << balance_kinds.name(site.kind);
        }
    }
}

TEST(BalanceSites, AllFoldsTogetherLeaveTheFloatFunctionAsItWas) {
    const test::Toy toy;
    QuantizedModel model;
    for (std::size_t block = 0; block < 2; ++block) {
        for (const BalanceSite& site : find_balance_sites(toy.context(), block)) {
            fold_any(toy.context(), site, strong_balance(site.channels), model);
        }
    }
    EXPECT_EQ(model.edits.size(), 2U);
    EXPECT_LE(largest_change(toy, model), 1e-5);
}

TEST(BalanceSites, OfSwinReachThroughWindowsAndIntoThePatchMerging) {
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const auto names = [&](std::size_t block) {
        std::vector<std::string> found;
        for (const BalanceSite& site : find_balance_sites(toy.context(), block))
            found.push_back(std::string(balance_kinds.name(site.kind)) + " " +
                            toy.graph.nodes()[site.consumers.front()].name);
        return found;
    };
    ASSERT_EQ(toy.graph.blocks().size(), 4U);
    const std::vector<std::string> shifted{
        "norm layers.0.blocks.1.attn.qkv", "scores layers.0.blocks.1.attn.scores",
        "value layers.0.blocks.1.attn.proj", "norm layers.0.blocks.1.mlp.fc1",
        "activation layers.0.blocks.1.mlp.fc2"};
    EXPECT_EQ(names(1), shifted);
    EXPECT_EQ(names(2), std::vector<std::string>{"norm layers.1.downsample.reduction"});
    for (const BalanceSite& site : find_balance_sites(toy.context(), 1)) {
        const bool windowed = site.kind == BalanceKind::norm && site.window > 0;
        EXPECT_EQ(windowed,
                  toy.graph.nodes()[site.consumers.front()].name == "layers.0.blocks.1.attn.qkv");
    }
}

TEST(BalanceSites, EveryFoldLeavesASwinAsItWas) {
    const test::Toy toy(nn::build_swin(test::small_swin()));
    for (std::size_t block = 0; block < toy.graph.blocks().size(); ++block) {
        for (const BalanceSite& site : find_balance_sites(toy.context(), block)) {
            QuantizedModel model;
            fold_any(toy.context(), site, strong_balance(site.channels), model);
            EXPECT_LE(largest_change(toy, model), 1e-5)
                << block << " " << balance_kinds.name(site.kind);
        }
    }
}

TEST(BalanceSites, ShiftOfThePatchMergingPutsInABias) {
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const auto sites = find_balance_sites(toy.context(), 2);
    ASSERT_EQ(sites.size(), 1U);
    QuantizedModel scaled, shifted;
    Balance balance = strong_balance(sites.front().channels);
    fold(toy.context(), sites.front(), balance, shifted);
    balance.shift.zero_();
    fold(toy.context(), sites.front(), balance, scaled);
    EXPECT_TRUE(scaled.edits.empty());
    ASSERT_EQ(shifted.edits.size(), 1U);
    EXPECT_EQ(shifted.edits.front().node, "layers.1.downsample.reduction");
    EXPECT_EQ(shifted.edits.front().channels, 48);
    EXPECT_LE(largest_change(toy, shifted), 1e-5);
}

TEST(BalanceSites, OnlyTheScalePassesIntoPaddedWindows) {
    const nn::Graph graph = padded_swin();
    const nn::Parameters parameters = test::formula_parameters(graph);
    const std::vector<Site> sites = list_sites(graph);
    const store::StatisticsFile none;
    const PassContext context{graph, parameters, sites, none};
    const at::Tensor images = test::formula("image", {2, 3, 24, 24});
    const nn::NoGradients scope;
    const at::Tensor before = nn::forward(graph, parameters, images);
    int padded = 0, seen = 0;
    for (std::size_t block = 0; block < graph.blocks().size(); ++block) {
        for (const BalanceSite& site : find_balance_sites(context, block)) {
            Balance balance = strong_balance(site.channels);
            const auto change = [&] {
                QuantizedModel model;
                fold_any(context, site, balance, model);
                return largest_change(before,
                                      nn::forward(nn::edited(graph, model.edits),
                                                  teacher_parameters(parameters, model), images));
            };
            const bool fits =
                site.window == 0 || fits_windows(site, map_of(graph, parameters, images, site));
            if (fits) {
                EXPECT_LE(change(), 1e-5) << block << " " << balance_kinds.name(site.kind);
                continue;
            }
            ++padded;
            seen += change() > 1e-4 ? 1 : 0;  // the shift would change the padding
            balance.shift.zero_();
            EXPECT_LE(change(), 1e-5) << block;
        }
    }
    EXPECT_EQ(padded, 2);
    // The mask of the shifted block happens to hide just the padded places.
    EXPECT_EQ(seen, 1);
}

TEST(BalanceSites, EveryFoldLeavesTheTrainedSwinAsItWas) {
    AOCQ_REAL_DATA_OR_SKIP(folder);
    const nn::NoGradients scope;
    nn::SwinShape shape;
    shape.image_size = 32;
    shape.patch_size = 2;
    shape.window = 4;
    shape.width = 48;
    shape.depths = {2, 2, 2};
    shape.heads = {3, 6, 12};
    shape.classes = 10;
    nn::ModelSpec spec;
    spec.family = "swin";
    spec.shape = shape;
    spec.weights = folder / "weights/swin_micro_cifar10.safetensors";
    const nn::Model trained = nn::load_model(spec);
    const std::vector<Site> sites = list_sites(trained.graph);
    const store::StatisticsFile none;
    const PassContext context{trained.graph, trained.parameters, sites, none};
    const at::Tensor images = test::formula("image", {4, 3, 32, 32});
    const at::Tensor before = nn::forward(trained.graph, trained.parameters, images);
    QuantizedModel all;
    const auto change = [&](const QuantizedModel& model) {
        return largest_change(before,
                              nn::forward(nn::edited(trained.graph, model.edits),
                                          teacher_parameters(trained.parameters, model), images));
    };
    for (std::size_t block = 0; block < trained.graph.blocks().size(); ++block) {
        for (const BalanceSite& site : find_balance_sites(context, block)) {
            QuantizedModel one;
            const Balance balance = strong_balance(site.channels);
            fold_any(context, site, balance, one);
            EXPECT_LE(change(one), 1e-5) << block << " " << balance_kinds.name(site.kind);
            fold_any(context, site, balance, all);
        }
    }
    EXPECT_EQ(all.edits.size(), 8U);  // six activations, two biases
    EXPECT_LE(change(all), 1e-4);
}

}  // namespace
}  // namespace aocq::quant
