// SPDX-License-Identifier: Apache-2.0
#include "store/Statistics.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/Error.hpp"
#include "support/TempFolder.hpp"

namespace aocq::store {
namespace {

SiteStatistics site(const std::string& name) {
    SiteStatistics s;
    s.site = name;
    s.kind = "linear.input";
    s.count = 24;
    s.minimum = -8;
    s.maximum = 3;
    s.channel_min = {-1, -8, 0, -0.5F};
    s.channel_max = {2, 1, 0, 3};
    s.channel_mean = {0.5, -2.25, 0, 1};
    s.channel_m2 = {1, 2, 0, 4};
    s.channel_count = 6;
    s.token_absmax = {8, 2};
    s.histogram = {0, 3, std::int64_t{1} << 35};
    s.samples = {1, -1, 1, -1};
    s.image_min = {-8, -1};
    s.image_max = {3, 2};
    return s;
}

StatisticsFile example() {
    StatisticsFile file;
    file.attributes = {{"model", "deit_tiny"}, {"images", 128}};
    file.sites = {site("blocks.3.mlp.fc2:input"), site("a/b%2F:input"), site("."), site("a%2Fb")};
    return file;
}

TEST(Statistics, ComeBackFromTheirFile) {
    const test::TempFolder folder;
    write_bundle(folder / "s.h5", to_bundle(example()));
    const StatisticsFile back = statistics_from_bundle(read_bundle(folder / "s.h5", "statistics"));
    EXPECT_EQ(back.attributes, example().attributes);
    ASSERT_EQ(back.sites.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        const SiteStatistics& s = back.sites[i];
        const SiteStatistics wanted = example().sites[i];
        EXPECT_EQ(s.site, wanted.site);  // the order of sites is kept too
        EXPECT_EQ(s.kind, wanted.kind);
        EXPECT_EQ(s.count, wanted.count);
        EXPECT_EQ(s.minimum, wanted.minimum);
        EXPECT_EQ(s.maximum, wanted.maximum);
        EXPECT_EQ(s.channel_min, wanted.channel_min);
        EXPECT_EQ(s.channel_max, wanted.channel_max);
        EXPECT_EQ(s.channel_mean, wanted.channel_mean);
        EXPECT_EQ(s.channel_m2, wanted.channel_m2);
        EXPECT_EQ(s.channel_count, wanted.channel_count);
        EXPECT_EQ(s.token_absmax, wanted.token_absmax);
        EXPECT_EQ(s.histogram, wanted.histogram);
        EXPECT_EQ(s.samples, wanted.samples);
        EXPECT_EQ(s.image_min, wanted.image_min);
        EXPECT_EQ(s.image_max, wanted.image_max);
    }
}

TEST(Statistics, GiveEachSiteAReadableGroup) {
    const Bundle bundle = to_bundle(example());
    EXPECT_NE(bundle.find("sites/blocks.3.mlp.fc2:input/channel_min"), nullptr);
    EXPECT_NE(bundle.find("sites/a%2Fb%252F:input/channel_min"), nullptr);
    EXPECT_NE(bundle.find("sites/%2E/derived/top_channels"), nullptr);
    EXPECT_EQ(bundle.values<double>("sites/blocks.3.mlp.fc2:input/derived/max_over_median_token"),
              std::vector<double>{8.0 / 5.0});
}

TEST(Statistics, MayHaveSeenNothing) {
    StatisticsFile file;
    file.attributes = Json::object();
    file.sites = {SiteStatistics{}};
    file.sites[0].site = "head:input";
    const StatisticsFile back = statistics_from_bundle(to_bundle(file));
    ASSERT_EQ(back.sites.size(), 1U);
    EXPECT_TRUE(back.sites[0].channel_min.empty());
}

TEST(Statistics, RefuseArraysOfUnequalLength) {
    Bundle bundle = to_bundle(example());
    for (Array& array : bundle.arrays) {
        if (array.name == "sites/a%2Fb%252F:input/channel_m2") {
            array = {array.name, {1}, std::vector<double>{1}};
        }
    }
    try {
        statistics_from_bundle(bundle);
        FAIL() << "was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.field("site"), "a/b%2F:input");
        EXPECT_EQ(error.field("array"), "channel_m2");
    }
}

TEST(OutlierSummary, ComparesTheLargestChannelWithTheMedianOfThoseInUse) {
    const OutlierSummary summary = summarize(site("x"));
    EXPECT_DOUBLE_EQ(summary.max_over_median_channel, 8.0 / 3.0);  // 2, 8, (0), 3
    EXPECT_DOUBLE_EQ(summary.max_over_median_token, 8.0 / 5.0);    // 8, 2
    EXPECT_EQ(summary.top_channels, (std::vector<std::int32_t>{1, 3, 0, 2}));
}

TEST(OutlierSummary, NamesAtMostEightChannelsAndTheLowerOfEquals) {
    SiteStatistics s;
    s.channel_min.assign(20, -1);
    s.channel_max.assign(20, 1);
    s.channel_max[13] = 2;
    EXPECT_EQ(summarize(s).top_channels, (std::vector<std::int32_t>{13, 0, 1, 2, 3, 4, 5, 6}));
}

TEST(OutlierSummary, KurtosisIsOneForTwoValuesAndNineFifthsForAUniformDistribution) {
    SiteStatistics s;
    s.samples = {1, -1, 1, -1};
    s.image_min = {-8, -1};
    s.image_max = {3, 2};
    EXPECT_DOUBLE_EQ(summarize(s).kurtosis_of_samples, 1.0);
    s.samples.clear();
    for (int i = -1000; i <= 1000; ++i) s.samples.push_back(static_cast<float>(i));
    EXPECT_NEAR(summarize(s).kurtosis_of_samples, 1.8, 1e-5);
    s.samples = {5, 5, 5};
    EXPECT_EQ(summarize(s).kurtosis_of_samples, 0.0);
}

TEST(OutlierSummary, OfNothingIsZero) {
    const OutlierSummary summary = summarize(SiteStatistics{});
    EXPECT_EQ(summary.max_over_median_channel, 0.0);
    EXPECT_TRUE(summary.top_channels.empty());
}

TEST(OutlierSummary, RefusesWhatIsNotFiniteAndNamesThePlace) {
    SiteStatistics s = site("blocks.1:input");
    s.channel_max[2] = std::numeric_limits<float>::quiet_NaN();
    try {
        summarize(s);
        FAIL() << "was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::numeric);
        EXPECT_EQ(error.field("site"), "blocks.1:input");
        EXPECT_EQ(error.field("position"), "2");
    }
}

}  // namespace
}  // namespace aocq::store
