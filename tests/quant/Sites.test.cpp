// SPDX-License-Identifier: Apache-2.0
#include "quant/Sites.hpp"

#include <gtest/gtest.h>

#include <set>

#include "nn/Formula.hpp"

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
