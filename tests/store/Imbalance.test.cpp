// SPDX-License-Identifier: Apache-2.0
#include "store/Imbalance.hpp"

#include <gtest/gtest.h>

namespace aocq::store {
namespace {

TEST(Imbalance, ChannelsCountWithTheirLargerEnd) {
    SiteStatistics site;
    site.channel_min = {-3, -1, 0};
    site.channel_max = {2, 5, 0};
    EXPECT_EQ(channel_absmax(site), (std::vector<float>{3, 5, 0}));
}

TEST(Imbalance, StripDoublesWithEveryShade) {
    // Median 1: the values themselves are the ratios.
    EXPECT_EQ(imbalance_strip({0.3F, 0.6F, 1, 1, 1, 2.5F, 5}, 7), " .:::-=");
    EXPECT_EQ(imbalance_strip({1, 1, 1, 1, 1e6F}, 5), "::::@");
}

TEST(Imbalance, PartsShowTheirLargestValue) {
    EXPECT_EQ(imbalance_strip({1, 1, 1, 1, 1, 9, 1, 1}, 4), "::+:");
    EXPECT_EQ(imbalance_strip({1, 2}, 80).size(), 2U);
    EXPECT_EQ(imbalance_strip({}, 80), "");
    EXPECT_EQ(imbalance_strip({0, 0}, 80), "  ");
}

TEST(Imbalance, CsvHasALinePerChannelAndToken) {
    StatisticsFile file;
    SiteStatistics site;
    site.site = "blocks.0.mlp.fc2:input";
    site.channel_min = {-3, -1};
    site.channel_max = {2, 1};
    site.token_absmax = {3};
    file.sites = {site};
    EXPECT_EQ(imbalance_csv(file),
              "site,axis,index,absmax,over_median\n"
              "blocks.0.mlp.fc2:input,channel,0,3,1.5\n"
              "blocks.0.mlp.fc2:input,channel,1,1,0.5\n"
              "blocks.0.mlp.fc2:input,token,0,3,1\n");
}

}  // namespace
}  // namespace aocq::store
