// SPDX-License-Identifier: Apache-2.0
#include "app/BalanceReport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq::app {
namespace {

using testing::HasSubstr;

Json attributes() {
    return {{"report",
             {{{"pass", "fit"}, {"sites", {{"blocks.0.mlp.fc1:input", {{"before", 1.0}}}}}},
              {{"pass", "channel_balance"},
               {"sites",
                {{"blocks.0.mlp.fc2:input",
                  {{"kind", "activation"},
                   {"before", 8.0},
                   {"after", 2.0},
                   {"alpha", 0.5},
                   {"shifted", false},
                   {"accepted", true},
                   {"predicted_ratio", 0.2},
                   {"measured_ratio", 0.25}}},
                 {"blocks.0.attn.scores",
                  {{"kind", "scores"}, {"before", 3.0}, {"after", 3.0}, {"accepted", false}}}}}}}}};
}

TEST(BalanceReport, HoldsTheSitesOfBalancingAndNoOtherPass) {
    const auto sites = balanced_sites(attributes());
    ASSERT_EQ(sites.size(), 2U);
    EXPECT_EQ(sites[0].site, "blocks.0.attn.scores");
    EXPECT_FALSE(sites[0].accepted);
    EXPECT_EQ(sites[0].predicted, 0.0);
    EXPECT_EQ(sites[1].kind, "activation");
    EXPECT_EQ(sites[1].predicted, 0.2);
    EXPECT_EQ(sites[1].measured, 0.25);
}

TEST(BalanceReport, ShowsPredictedBesideMeasured) {
    const std::string text = to_text(balanced_sites(attributes()));
    EXPECT_THAT(text, HasSubstr("0.2       0.25  yes"));
    EXPECT_THAT(text, HasSubstr("-          -  no"));  // softmax has no such ratio
    const Json json = to_json(balanced_sites(attributes()));
    EXPECT_EQ(json[1].at("measured_ratio"), 0.25);
    EXPECT_FALSE(json[0].contains("measured_ratio"));
}

TEST(BalanceReport, DamagedFiguresAreAnErrorOfTheInput) {
    Json damaged = attributes();
    damaged["report"][1]["sites"]["blocks.0.mlp.fc2:input"]["after"] = "two";
    EXPECT_THROW(balanced_sites(damaged), Error);
    damaged["report"][1]["sites"]["blocks.0.mlp.fc2:input"].erase("after");
    EXPECT_THROW(balanced_sites(damaged), Error);
}

TEST(BalanceReport, WithoutBalancingThereIsNothing) {
    EXPECT_TRUE(balanced_sites({{"report", Json::array()}}).empty());
}

}  // namespace
}  // namespace aocq::app
