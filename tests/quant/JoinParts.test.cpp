// SPDX-License-Identifier: Apache-2.0
#include "quant/JoinParts.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

QuantizedModel start() {
    QuantizedModel model;
    std::vector<Site> sites(2);
    sites[0].name = "a:input";
    sites[1].name = "b:input";
    SiteScheme scheme;
    scheme.quantized = true;
    model.quantization = Quantization(sites, {scheme, scheme});
    model.balanced["a.weight"] = at::ones({2});
    model.report.push_back({{"pass", "fit"}});
    return model;
}

QuantizedModel changed(const std::string& node, float value) {
    QuantizedModel part = start();
    Quantizer& quantizer = *part.quantization.find(node + ":input");
    quantizer.grids = {Grid{value, 1}};
    quantizer.fitted = true;
    part.balanced[node + ".weight"] = at::full({2}, value);
    part.changed[node + ".bias"] = at::full({1}, value);
    part.report.push_back({{"pass", "x"}, {"scope", node}});
    return part;
}

TEST(JoinParts, TakesWhatEachPartChanged) {
    const auto joined = join_parts(start(), {changed("a", 2), changed("b", 3)});
    EXPECT_EQ(joined.quantization.find("a:input")->grids[0].scale, 2.F);
    EXPECT_EQ(joined.quantization.find("b:input")->grids[0].scale, 3.F);
    EXPECT_EQ(joined.balanced.at("a.weight")[0].item<float>(), 2.F);
    EXPECT_EQ(joined.changed.at("b.bias")[0].item<float>(), 3.F);
    ASSERT_EQ(joined.report.size(), 3u);
    EXPECT_EQ(joined.report[1].at("scope"), "a");
    EXPECT_EQ(joined.report[2].at("scope"), "b");
}

TEST(JoinParts, PartsThatChangedNothingLeaveTheStart) {
    const auto joined = join_parts(start(), {start(), start()});
    EXPECT_FALSE(joined.quantization.find("a:input")->fitted);
    EXPECT_TRUE(at::equal(joined.balanced.at("a.weight"), at::ones({2})));
    EXPECT_EQ(joined.report.size(), 1u);
}

TEST(JoinParts, TwoPartsThatChangedTheSameAreADefect) {
    EXPECT_THROW(join_parts(start(), {changed("a", 2), changed("a", 3)}), Error);
}

}  // namespace
}  // namespace aocq::quant
