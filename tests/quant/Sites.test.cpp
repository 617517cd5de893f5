// SPDX-License-Identifier: Apache-2.0
#include "quant/Sites.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

TEST(Sites, OfAVitAreTheOperandsOfEveryProduct) {
    const auto sites = list_sites(nn::build_vit(test::small_shape()));
    // Patch embedding and head: 2 each; per block 4 linear layers and 2 products with 2 sites each.
    EXPECT_EQ(sites.size(), 2U + 2U + 2U * 12U);
    std::set<std::string> names;
    for (const auto& site : sites) names.insert(site.name);
    EXPECT_EQ(names.size(), sites.size());
    for (const char* name :
         {"patch_embed.proj:input", "blocks.0.attn.qkv:weight", "blocks.1.attn.scores:rhs",
          "blocks.1.attn.context:lhs", "blocks.0.mlp.fc2:input", "head:weight"}) {
        EXPECT_TRUE(names.contains(name)) << name;
    }
}

TEST(Sites, OfASwinHaveTheKindsOfAVit) {
    const auto sites = list_sites(nn::build_swin(test::small_swin()));
    // Patch embedding and head: 2 each; 12 per block; the merging's reduction 2.
    EXPECT_EQ(sites.size(), 2U + 2U + 3U * 12U + 2U);
    std::map<std::string, SiteKind> kinds;
    for (const auto& site : sites) kinds[site.name] = site.kind;
    EXPECT_EQ(kinds.size(), sites.size());
    const std::map<std::string, SiteKind> wanted{
        {"patch_embed.proj:input", SiteKind::patch_input},
        {"layers.0.blocks.1.attn.qkv:input", SiteKind::linear_input},
        {"layers.0.blocks.1.attn.scores:lhs", SiteKind::attention_query},
        {"layers.0.blocks.1.attn.scores:rhs", SiteKind::attention_key},
        {"layers.0.blocks.1.attn.context:lhs", SiteKind::attention_probability},
        {"layers.1.blocks.0.attn.context:rhs", SiteKind::attention_value},
        {"layers.1.blocks.0.mlp.fc2:weight", SiteKind::linear_weight},
        {"layers.1.downsample.reduction:input", SiteKind::linear_input},
        {"layers.1.downsample.reduction:weight", SiteKind::linear_weight},
        {"head.fc:input", SiteKind::head_input},
        {"head.fc:weight", SiteKind::head_weight}};
    for (const auto& [name, kind] : wanted) {
        ASSERT_TRUE(kinds.contains(name)) << name;
        EXPECT_EQ(kinds.at(name), kind) << name;
    }
}

TEST(Sites, KnowTheirKindAndParameter) {
    for (const auto& site : list_sites(nn::build_vit(test::small_shape()))) {
        EXPECT_EQ(site.is_weight(), !site.parameter.empty()) << site.name;
        if (site.name == "blocks.0.attn.context:lhs") {
            EXPECT_EQ(site.kind, SiteKind::attention_probability);
        }
        if (site.name == "blocks.0.attn.scores:lhs") {
            EXPECT_EQ(site.kind, SiteKind::attention_query);
        }
        if (site.name == "head:weight") {
            EXPECT_EQ(site.parameter, "head.weight");
        }
    }
}

}  // namespace
}  // namespace aocq::quant
