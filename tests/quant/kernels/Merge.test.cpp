// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Merge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "quant/kernels/Accumulate.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

TEST(MergeMoments, EqualsTwoPassesOverEverything) {
    const auto x = test::normal_values("chan", 1000, 0.5, 300.0);
    for (const std::size_t cut :
         {std::size_t{1}, std::size_t{10}, std::size_t{500}, std::size_t{999}}) {
        const std::span all(x);
        const auto a = reference::moments(all.first(cut));
        const auto b = reference::moments(all.subspan(cut));
        std::vector<double> mean{a.mean};
        std::vector<double> m2{a.m2};
        merge_moments(mean, m2, static_cast<std::int64_t>(cut), std::vector{b.mean},
                      std::vector{b.m2}, static_cast<std::int64_t>(x.size() - cut));
        const auto wanted = reference::moments(all);
        EXPECT_NEAR(mean[0], wanted.mean, 1e-10);
        EXPECT_NEAR(m2[0], wanted.m2, 1e-8);
    }
}

store::SiteStatistics collect(std::span<const float> x, std::int64_t images, std::int64_t first) {
    StatisticsAccumulator accumulator({"s", "linear.input", RandomKey(1), 16});
    accumulator.add(x, Activation::linear(images, 5, 12), first);
    return accumulator.result();
}

TEST(Merge, ChunksInOrderAreAsGoodAsOnePass) {
    const auto x = test::normal_values("merge", 9 * 60);
    const std::span all(x);
    const auto whole = collect(all, 9, 0);
    const auto merged = merge(collect(all.first(240), 4, 0), collect(all.subspan(240), 5, 4));
    EXPECT_EQ(merged.count, whole.count);
    EXPECT_EQ(merged.minimum, whole.minimum);
    EXPECT_EQ(merged.maximum, whole.maximum);
    EXPECT_EQ(merged.channel_min, whole.channel_min);
    EXPECT_EQ(merged.channel_max, whole.channel_max);
    EXPECT_EQ(merged.channel_count, whole.channel_count);
    EXPECT_EQ(merged.token_absmax, whole.token_absmax);
    EXPECT_EQ(merged.histogram, whole.histogram);
    EXPECT_EQ(merged.samples, whole.samples);
    EXPECT_EQ(merged.image_min, whole.image_min);
    EXPECT_EQ(merged.image_max, whole.image_max);
    for (std::size_t c = 0; c < 12; ++c) {
        EXPECT_NEAR(merged.channel_mean[c], whole.channel_mean[c], 1e-14);
        EXPECT_NEAR(merged.channel_m2[c], whole.channel_m2[c], 1e-12);
    }
}

TEST(Merge, EmptyStatisticsChangeNothing) {
    const auto x = test::normal_values("empty", 120);
    const auto some = collect(x, 2, 0);
    StatisticsAccumulator none({"s", "linear.input", RandomKey(1), 16});
    for (const auto& merged : {merge(some, none.result()), merge(none.result(), some)}) {
        EXPECT_EQ(merged.channel_mean, some.channel_mean);
        EXPECT_EQ(merged.samples, some.samples);
        EXPECT_EQ(merged.count, some.count);
    }
}

TEST(Merge, KeepsTheLongerTokenAxis) {
    StatisticsAccumulator small({"s", "k", RandomKey(1), 4});
    small.add(test::normal_values("small", 2 * 3), Activation::linear(1, 2, 3), 0);
    StatisticsAccumulator large({"s", "k", RandomKey(1), 4});
    large.add(test::normal_values("large", 4 * 3), Activation::linear(1, 4, 3), 1);
    const auto a = small.result();
    const auto b = large.result();
    const auto merged = merge(a, b);
    ASSERT_EQ(merged.token_absmax.size(), 4U);
    EXPECT_EQ(merged.token_absmax[0], std::max(a.token_absmax[0], b.token_absmax[0]));
    EXPECT_EQ(merged.token_absmax[3], b.token_absmax[3]);
    EXPECT_EQ(merge(b, a).token_absmax, merged.token_absmax);
}

}  // namespace
}  // namespace aocq::quant
