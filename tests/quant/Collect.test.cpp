// SPDX-License-Identifier: Apache-2.0
#include "quant/Collect.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

TEST(Collect, SeesEveryActivationSiteWithItsTrueExtremes) {
    const nn::NoGradients scope;
    const test::Toy toy;
    std::size_t activations = 0;
    for (const auto& site : toy.sites) activations += site.is_weight() || site.is_output() ? 0 : 1;
    ASSERT_EQ(toy.statistics.sites.size(), activations);
    nn::RunOptions options;
    options.taps = {toy.graph.find_value("blocks.1.mlp.gelu").value(),
                    toy.graph.find_value("blocks.0.attn.softmax").value()};
    const nn::Values tapped = nn::run(toy.graph, toy.parameters, {{0, toy.images}}, options);
    for (const auto& s : toy.statistics.sites) {
        EXPECT_GT(s.count, 0) << s.site;
        if (s.site == "blocks.1.mlp.fc2:input") {
            const at::Tensor& x = tapped.at(options.taps[0]);
            EXPECT_EQ(s.count, x.numel());
            EXPECT_EQ(s.minimum, x.min().item<float>());
            EXPECT_EQ(s.maximum, x.max().item<float>());
            EXPECT_EQ(s.channel_max.size(), 192U);
            EXPECT_NEAR(s.channel_mean[7], x.select(2, 7).mean().item<double>(), 1e-6);
        }
        if (s.site == "blocks.0.attn.context:lhs") {
            EXPECT_EQ(s.channel_max.size(), 3U);    // heads
            EXPECT_EQ(s.token_absmax.size(), 17U);  // query positions
            EXPECT_EQ(s.maximum, tapped.at(options.taps[1]).max().item<float>());
        }
    }
}

TEST(Collect, OutputsAreSeenWhereAskedForAndChangeNoOtherSite) {
    const nn::NoGradients scope;
    const test::Toy plain;
    test::Toy toy;
    toy.observe_outputs();
    nn::RunOptions options;
    options.taps = {toy.graph.find_value("blocks.0.residual1").value(),
                    toy.graph.find_value("blocks.0.attn.scores").value(),
                    toy.graph.find_value("patch_embed.proj").value()};
    const nn::Values tapped = nn::run(toy.graph, toy.parameters, {{0, toy.images}}, options);
    const std::map<std::string, std::pair<std::size_t, std::size_t>> wanted{
        {"blocks.0.residual1:output", {0, 48}},   // channels
        {"blocks.0.attn.scores:output", {1, 3}},  // heads
        {"patch_embed.proj:output", {2, 48}}};
    std::size_t seen = 0, same = 0;
    for (const auto& s : toy.statistics.sites) {
        for (const auto& p : plain.statistics.sites) {
            if (p.site != s.site) continue;
            EXPECT_EQ(p.samples, s.samples) << s.site;
            ++same;
        }
        const auto found = wanted.find(s.site);
        if (found == wanted.end()) continue;
        const at::Tensor& x = tapped.at(options.taps[found->second.first]);
        EXPECT_EQ(s.count, x.numel());
        EXPECT_EQ(s.minimum, x.min().item<float>());
        EXPECT_EQ(s.channel_max.size(), found->second.second);
        ++seen;
    }
    EXPECT_EQ(seen, wanted.size());
    EXPECT_EQ(same, plain.statistics.sites.size());
}

// Chunks merged in order give what one pass over the same chunks gives; samples and counts exactly.
TEST(Collect, ChunksMergeToTheSameCountsExtremesAndSamples) {
    const nn::NoGradients scope;
    const test::Toy toy;
    std::vector<std::vector<store::SiteStatistics>> chunks;
    for (std::int64_t first = 0; first < 4; first += 2) {
        Collector collector(toy.graph, toy.parameters, {.seed = 3});
        collector.add(toy.images.slice(0, first, first + 2), first);
        chunks.push_back(collector.result());
    }
    const auto merged = merge_chunks(chunks);
    for (std::size_t i = 0; i < merged.size(); ++i) {
        const auto& whole = toy.statistics.sites[i];
        EXPECT_EQ(merged[i].count, whole.count);
        // The batch size of the forward pass changes the last bit of an activation, nothing more.
        EXPECT_NEAR(merged[i].maximum, whole.maximum, 1e-4F * std::abs(whole.maximum) + 1e-6F)
            << whole.site;
        EXPECT_EQ(merged[i].samples.size(), whole.samples.size());
        EXPECT_EQ(merged[i].image_max.size(), 4U);
    }
}

// Windows stand on the leading axis of a Swin's attention: statistics are still made per image.
TEST(Collect, ImagesOfAWindowedModelKeepTheirOwnExtremes) {
    const nn::NoGradients scope;
    const test::Toy toy(nn::build_swin(test::small_swin()));
    nn::RunOptions options;
    options.taps = {toy.graph.find_value("layers.0.blocks.1.attn.query").value(),
                    toy.graph.find_value("layers.0.blocks.1.attn.softmax").value()};
    const nn::Values tapped = nn::run(toy.graph, toy.parameters, {{0, toy.images}}, options);
    const at::Tensor query = tapped.at(options.taps[0]);  // [4 * 4, 2, 16, 12]
    ASSERT_EQ(query.sizes(), (std::vector<std::int64_t>{16, 2, 16, 12}));
    std::set<std::string> seen;
    for (const auto& s : toy.statistics.sites) {
        EXPECT_EQ(s.image_max.size(), 4U) << s.site;
        seen.insert(s.site);
        if (s.site == "layers.0.blocks.1.attn.scores:lhs") {
            EXPECT_EQ(s.channel_max.size(), 24U);   // (head, dimension)
            EXPECT_EQ(s.token_absmax.size(), 64U);  // (window, place)
            for (std::int64_t i = 0; i < 4; ++i) {
                EXPECT_EQ(s.image_max[static_cast<std::size_t>(i)],
                          query.slice(0, 4 * i, 4 * i + 4).max().item<float>());
            }
            EXPECT_EQ(s.channel_max[12 + 5], query.select(1, 1).select(2, 5).max().item<float>());
            EXPECT_EQ(s.token_absmax[2 * 16 + 3], query.reshape({4, 4, 2, 16, 12})
                                                      .select(1, 2)
                                                      .select(2, 3)
                                                      .abs()
                                                      .max()
                                                      .item<float>());
        }
        if (s.site == "layers.0.blocks.1.attn.context:lhs") {
            EXPECT_EQ(s.channel_max.size(), 2U);    // heads
            EXPECT_EQ(s.token_absmax.size(), 64U);  // (window, query place)
            EXPECT_EQ(s.maximum, tapped.at(options.taps[1]).max().item<float>());
        }
        if (s.site == "layers.1.downsample.reduction:input") {
            EXPECT_EQ(s.channel_max.size(), 96U);
            EXPECT_EQ(s.token_absmax.size(), 16U);
        }
    }
    EXPECT_TRUE(seen.contains("layers.1.downsample.reduction:input"));
    EXPECT_TRUE(seen.contains("layers.0.blocks.1.attn.scores:lhs"));
}

TEST(Collect, ImagesOfAWindowedModelGiveTheSameOneByOne) {
    const nn::NoGradients scope;
    const test::Toy toy(nn::build_swin(test::small_swin()));
    Collector collector(toy.graph, toy.parameters, {.seed = 3});
    for (std::int64_t i = 0; i < 4; ++i) collector.add(toy.images.slice(0, i, i + 1), i);
    const auto single = collector.result();
    ASSERT_EQ(single.size(), toy.statistics.sites.size());
    for (std::size_t k = 0; k < single.size(); ++k) {
        const auto& together = toy.statistics.sites[k];
        EXPECT_EQ(single[k].count, together.count) << together.site;
        EXPECT_EQ(single[k].channel_count, together.channel_count) << together.site;
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_NEAR(single[k].image_max[i], together.image_max[i],
                        1e-4F * std::abs(together.image_max[i]) + 1e-6F)
                << together.site;
        }
    }
}

TEST(Collect, NotFiniteActivationNamesItsSite) {
    const nn::NoGradients scope;
    test::Toy toy;
    toy.parameters["blocks.0.mlp.fc1.bias"] =
        at::full({192}, std::numeric_limits<float>::infinity());
    Collector collector(toy.graph, toy.parameters, {});
    try {
        collector.add(toy.images, 0);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::numeric);
        EXPECT_EQ(error.field("site"), "blocks.0.mlp.fc2:input");
    }
}

}  // namespace
}  // namespace aocq::quant
