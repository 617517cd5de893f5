// SPDX-License-Identifier: Apache-2.0
#include "quant/Scheme.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

class Scheme : public testing::Test {
  protected:
    std::vector<Site> sites = list_sites(nn::build_vit(test::small_shape()));

    SiteScheme of(const std::string& name, const std::vector<Json>& rules,
                  Widths widths = {4, 6}) const {
        std::vector<Rule> parsed;
        for (const auto& table : rules) parsed.push_back(test::rule(table));
        const auto schemes = resolve_scheme(sites, parsed, widths);
        for (std::size_t i = 0; i < sites.size(); ++i) {
            if (sites[i].name == name) return schemes[i];
        }
        ADD_FAILURE() << name;
        return {};
    }
    std::string refusal(const Json& table) const {
        try {
            resolve_scheme(sites, {test::rule(table)}, {4, 6});
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::config);
            return error.reason();
        }
        return "accepted";
    }
};

TEST_F(Scheme, WithoutRulesFollowsTheWidths) {
    EXPECT_EQ(of("blocks.0.mlp.fc1:weight", {}).bits, 4);
    EXPECT_EQ(of("blocks.0.mlp.fc1:weight", {}).granularity, Granularity::channel);
    EXPECT_EQ(of("blocks.0.mlp.fc1:input", {}).bits, 6);
    EXPECT_EQ(of("blocks.0.mlp.fc1:input", {}).symmetry, Symmetry::asymmetric);
}

TEST_F(Scheme, LastMatchingRuleWinsPropertyByProperty) {
    const std::vector<Json> rules{{{"kind", "linear.*"}, {"bits", 3}, {"symmetry", "symmetric"}},
                                  {{"name", "blocks.1.*"}, {"bits", 5}}};
    EXPECT_EQ(of("blocks.1.mlp.fc1:input", rules).bits, 5);
    EXPECT_EQ(of("blocks.1.mlp.fc1:input", rules).symmetry, Symmetry::symmetric);
    EXPECT_EQ(of("blocks.0.mlp.fc1:input", rules).bits, 3);
    EXPECT_EQ(of("head:input", rules).bits, 6);
}

TEST_F(Scheme, WeightOnlyStaysWeightOnlyWhateverTheRulesSay) {
    const std::vector<Json> rules{{{"kind", "*"}, {"bits", 8}, {"quantize", true}}};
    EXPECT_FALSE(of("blocks.0.mlp.fc1:input", rules, {4, 32}).quantized);
    EXPECT_EQ(of("blocks.0.mlp.fc1:weight", rules, {4, 32}).bits, 8);
}

TEST_F(Scheme, EachKindCanBeSwitchedOff) {
    for (const auto& [kind, name] : site_kinds.rows) {
        const std::vector<Json> rules{{{"kind", std::string(name)}, {"quantize", false}}};
        for (const auto& site : sites) {
            EXPECT_EQ(of(site.name, rules).quantized, site.kind != kind) << site.name;
        }
    }
}

TEST_F(Scheme, RuleThatMatchesNothingIsAnErrorWithItsPath) {
    try {
        resolve_scheme(sites, {test::rule({{"name", "block.0.*"}, {"bits", 4}})}, {4, 6});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.problem(), "a rule matches no site");
        EXPECT_EQ(error.field("key"), "rule[0]");
        EXPECT_EQ(error.field("name"), "block.0.*");
    }
}

TEST_F(Scheme, CombinationsWithoutMeaningAreRefused) {
    EXPECT_EQ(refusal({{"kind", "linear.weight"}, {"granularity", "token"}}),
              "a weight has neither heads nor tokens");
    EXPECT_EQ(refusal({{"kind", "linear.weight"}, {"granularity", "group"}}),
              "a group size is missing");
    EXPECT_EQ(refusal({{"kind", "linear.input"}, {"granularity", "head"}}),
              "only attention operands have heads");
    EXPECT_EQ(refusal({{"kind", "linear.input"}, {"granularity", "token"}}),
              "granularity = \"token\" and mode = \"dynamic\" go together");
    EXPECT_EQ(refusal({{"kind", "attention.query"}, {"granularity", "channel"}}),
              "attention operands are quantized per tensor, head or token");
    EXPECT_EQ(refusal({{"kind", "linear.input"}, {"granularity", "token"}, {"mode", "dynamic"}}),
              "accepted");
    EXPECT_EQ(refusal({{"kind", "linear.weight"}, {"granularity", "part"}}),
              "the number of parts is missing");
    EXPECT_EQ(refusal({{"kind", "linear.input"}, {"granularity", "part"}, {"parts", 3}}),
              "parts are for weights");
}

TEST_F(Scheme, TwinGridsAreForProbabilitiesAndInputsOfLinearLayers) {
    const std::string where =
        "twin grids are for attention.probability and for a linear.input behind GELU";
    EXPECT_EQ(refusal({{"kind", "linear.weight"}, {"codec", "twin"}}), where);
    EXPECT_EQ(refusal({{"kind", "attention.query"}, {"codec", "twin"}}), where);
    EXPECT_EQ(refusal({{"name", "*.fc2:input"}, {"codec", "twin_as_released"}}),
              "the released code differs from twin at attention.probability only");
    EXPECT_EQ(
        refusal({{"kind", "attention.probability"}, {"codec", "twin"}, {"granularity", "head"}}),
        "twin grids are static and per tensor");
    EXPECT_EQ(refusal({{"name", "*.fc2:input"}, {"codec", "twin"}}), "accepted");
    EXPECT_EQ(refusal({{"kind", "attention.probability"}, {"codec", "twin_as_released"}}),
              "accepted");
}

TEST_F(Scheme, PartsMustDivideTheOutputs) {
    const test::Toy toy;
    const Json three = {{"name", "*.qkv:weight"}, {"granularity", "part"}, {"parts", 3}};
    const QuantizedModel model = toy.fitted({4, 6}, Json::object(), {test::rule(three)});
    EXPECT_EQ(model.quantization.find("blocks.0.attn.qkv:weight")->grids.size(), 3U);
    Json five = three;
    five["parts"] = 5;
    EXPECT_THROW(toy.fitted({4, 6}, Json::object(), {test::rule(five)}), Error);
}

TEST_F(Scheme, BitsOutsideTwoToEightAreRefused) {
    EXPECT_THROW(test::rule({{"bits", 1}}), Error);
    EXPECT_THROW(test::rule({{"bits", 9}}), Error);
    EXPECT_THROW(test::rule({{"bts", 4}}), Error);
}

TEST_F(Scheme, ComesBackFromJson) {
    SiteScheme scheme = of("blocks.0.mlp.fc1:weight", {});
    EXPECT_EQ(scheme_from_json(Fields(to_json(scheme), "")), scheme);
}

}  // namespace
}  // namespace aocq::quant
