// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceSites.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

// Scales between 1/8 and 8 and shifts of either sign, different for every channel.
Balance strong_balance(std::int64_t channels) {
    const at::Tensor scale = at::exp2(test::formula("scale", {channels}) * 12.0);
    return {scale, test::formula("shift", {channels}) * 2.0};
}

double largest_change(const test::Toy& toy, const QuantizedModel& model) {
    const at::Tensor before = toy.logits(), after = toy.rewritten(model);
    return ((after - before).abs().max() / (before.max() - before.min())).item<double>();
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
            const Balance balance = strong_balance(site.channels);
            if (site.kind == BalanceKind::scores) {
                fold_scores(toy.context(), site, balance, model);
            } else {
                fold(toy.context(), site, balance, model);
            }
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
            const Balance balance = strong_balance(site.channels);
            if (site.kind == BalanceKind::scores) {
                fold_scores(toy.context(), site, balance, model);
            } else {
                fold(toy.context(), site, balance, model);
            }
        }
    }
    EXPECT_EQ(model.edits.size(), 2U);
    EXPECT_LE(largest_change(toy, model), 1e-5);
}

}  // namespace
}  // namespace aocq::quant
