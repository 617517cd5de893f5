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
            const bool usual = !site.is_output();
            EXPECT_EQ(of(site.name, rules).quantized, usual && site.kind != kind) << site.name;
        }
    }
}

TEST_F(Scheme, OutputsAreFloatUnlessARuleSaysQuantize) {
    const std::vector<Json> broad{{{"kind", "linear.*"}, {"bits", 3}},
                                  {{"name", "*"}, {"symmetry", "symmetric"}}};
    EXPECT_FALSE(of("blocks.0.mlp.fc1:output", broad).quantized);
    EXPECT_FALSE(of("blocks.0.residual1:output", broad).quantized);
    std::vector<Json> asked = broad;
    asked.push_back({{"kind", "residual"}, {"quantize", true}, {"granularity", "channel"}});
    const SiteScheme residual = of("blocks.0.residual1:output", asked);
    EXPECT_TRUE(residual.quantized);
    EXPECT_EQ(residual.bits, 6);
    EXPECT_EQ(residual.granularity, Granularity::channel);
    EXPECT_FALSE(of("blocks.0.residual1:output", asked, {4, 32}).quantized);
}

TEST_F(Scheme, FittedOutputsAreTheQuantizedStaticOnes) {
    const auto names = [&](const std::vector<Json>& tables) {
        std::vector<Rule> rules;
        for (const auto& table : tables) rules.push_back(test::rule(table));
        return fitted_outputs(sites, resolve_scheme(sites, rules, {4, 6}));
    };
    EXPECT_TRUE(names({}).empty());
    EXPECT_EQ(names({{{"name", "blocks.1.residual*"}, {"quantize", true}}}),
              (std::vector<std::string>{"blocks.1.residual1:output", "blocks.1.residual2:output"}));
    EXPECT_TRUE(names({{{"kind", "residual"},
                        {"quantize", true},
                        {"granularity", "token"},
                        {"mode", "dynamic"}}})
                    .empty());
}

TEST_F(Scheme, IntegerSoftmaxNeedsScoresOnOneGrid) {
    const Json softmax = {{"kind", "attention.probability"}, {"codec", "log_int"}};
    EXPECT_NE(refusal(softmax).find("attention.score"), std::string::npos);
    const Json scores = {{"kind", "attention.score"}, {"quantize", true}};
    EXPECT_EQ(of("blocks.0.attn.context:lhs", {softmax, scores}).codec, Codec::log_int);
    Json heads = scores;
    heads["granularity"] = "head";
    EXPECT_THROW(of("blocks.0.attn.context:lhs", {softmax, heads}), Error);
    EXPECT_EQ(refusal({{"kind", "attention.query"}, {"codec", "log_int"}}),
              "a logarithmic codec has no negative values: attention.probability only");
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
    EXPECT_FALSE(to_json(scheme).contains("zero"));
    scheme.codec = Codec::log_int;
    scheme.zero = LogZero::beyond;
    EXPECT_EQ(scheme_from_json(Fields(to_json(scheme), "")), scheme);
}

}  // namespace
}  // namespace aocq::quant
