// SPDX-License-Identifier: Apache-2.0
#include "quant/Sites.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

std::vector<Site> operands(std::vector<Site> sites) {
    std::erase_if(sites, [](const Site& site) { return site.is_output(); });
    return sites;
}

// Names and kinds of the outputs, in order.
std::vector<std::string> outputs(const nn::Graph& graph) {
    std::vector<std::string> found;
    for (const Site& site : list_sites(graph)) {
        if (site.is_output())
            found.push_back(site.name + " " + std::string(site_kinds.name(site.kind)));
    }
    return found;
}

TEST(Sites, OutputsOfAVitAreWhatAnIntegerMachineWouldStore) {
    const auto all = outputs(nn::build_vit(test::small_shape()));
    const std::vector<std::string> first{"patch_embed.proj:output patch.output",
                                         "tokens:output embedding",
                                         "position:output residual",
                                         "blocks.0.attn.qkv:output linear.output",
                                         "blocks.0.attn.scores:output attention.score",
                                         "blocks.0.attn.proj:output linear.output",
                                         "blocks.0.residual1:output residual",
                                         "blocks.0.mlp.fc1:output linear.output",
                                         "blocks.0.mlp.fc2:output linear.output",
                                         "blocks.0.residual2:output residual"};
    ASSERT_EQ(all.size(), 3U + 2U * 7U + 1U);
    EXPECT_EQ(std::vector<std::string>(all.begin(), all.begin() + 10), first);
    EXPECT_EQ(all.back(), "head:output head.output");
}

// What enters a block belongs to the residual stream, whoever makes it; scores are scores before
// and behind the position bias.
TEST(Sites, OutputsOfASwinAreThoseOfAVit) {
    const auto all = outputs(nn::build_swin(test::small_swin()));
    for (const char* wanted :
         {"patch_embed.proj:output patch.output", "patch_embed.norm:output residual",
          "layers.0.blocks.1.attn.scores:output attention.score",
          "layers.0.blocks.1.attn.bias:output attention.score",
          "layers.0.blocks.1.residual2:output residual",
          "layers.1.downsample.reduction:output residual", "head.fc:output head.output"}) {
        EXPECT_EQ(std::count(all.begin(), all.end(), wanted), 1) << wanted;
    }
    EXPECT_EQ(all.size(), 2U + 3U * 8U + 1U + 1U);
}

TEST(Sites, ProbabilitiesKnowTheirSoftmaxAndItsScoresBehindAMask) {
    const nn::Graph vit = nn::build_vit(test::small_shape());
    const nn::Graph swin = nn::build_swin(test::small_swin());
    const auto source = [](const nn::Graph& graph, const std::string& name) {
        for (const Site& site : list_sites(graph)) {
            if (site.name == name) return site.softmax;
        }
        return std::optional<SoftmaxSource>();
    };
    const auto plain = source(vit, "blocks.1.attn.context:lhs");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->node, vit.node_index("blocks.1.attn.softmax"));
    EXPECT_EQ(plain->scores, "blocks.1.attn.scores:output");
    const auto masked = source(swin, "layers.0.blocks.1.attn.context:lhs");
    ASSERT_TRUE(masked);
    EXPECT_EQ(masked->scores, "layers.0.blocks.1.attn.bias:output");
    EXPECT_FALSE(source(vit, "blocks.1.attn.context:rhs"));
}

TEST(Sites, OfAVitAreTheOperandsOfEveryProduct) {
    const auto sites = operands(list_sites(nn::build_vit(test::small_shape())));
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
    const auto sites = operands(list_sites(nn::build_swin(test::small_swin())));
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
