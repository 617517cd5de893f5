// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/PowerOfTwoFactor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "quant/Toy.hpp"
#include "quant/kernels/PowerOfTwo.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

const std::string place = "blocks.1.residual1";

Json residual_channels() {
    return Json::array({{{"kind", "residual"}, {"quantize", true}, {"granularity", "channel"}}});
}

struct Factored {
    test::Toy toy;

    // Channels of very different widths, as real residual streams have them.
    explicit Factored(nn::Graph graph = nn::build_vit(test::small_shape()))
        : toy(std::move(graph), [](test::Toy& t) {
              for (const char* name : {"blocks.0.mlp.fc2.weight", "blocks.0.mlp.fc2.bias"}) {
                  const auto found = t.parameters.find(name);
                  if (found == t.parameters.end()) continue;
                  const at::Tensor width = at::arange(48, at::kFloat).remainder(5).exp2();
                  found->second =
                      found->second * (found->second.dim() == 2 ? width.unsqueeze(1) : width);
              }
          }) {
        toy.observe_outputs();
    }

    QuantizedModel made(const Json& options = Json::object(), const Json& fit = Json::object(),
                        int bits = 8) const {
        Json skip = fit;
        skip["skip"] = {"residual"};
        return toy.made_by({{"passes", {"power_of_two_factor", "fit"}},
                            {"fit", skip},
                            {"power_of_two_factor", options},
                            {"rule", residual_channels()}},
                           {8, bits});
    }
};

TEST(PowerOfTwoFactor, ChoosesForEachChannelWhatTheReferenceChooses) {
    const Factored factored;
    const nn::NoGradients scope;
    nn::RunOptions options;
    options.taps = {factored.toy.graph.find_value(place).value()};
    const at::Tensor x =
        nn::run(factored.toy.graph, factored.toy.parameters, {{0, factored.toy.images}}, options)
            .at(options.taps[0])
            .flatten(0, 1)
            .t()
            .contiguous();  // [channels, values]
    for (const int bits : {4, 6, 8}) {
        const QuantizedModel model = factored.made(Json::object(), Json::object(), bits);
        const Quantizer& q = *model.quantization.find(place + ":output");
        const Grid widest = grid_from_range(x.min().item<float>(), x.max().item<float>(), bits,
                                            Symmetry::asymmetric);
        ASSERT_EQ(q.grids.size(), 48U);
        std::set<float> steps;
        for (std::int64_t c = 0; c < 48; ++c) {
            const std::span<const float> channel(x[c].const_data_ptr<float>(),
                                                 static_cast<std::size_t>(x.size(1)));
            const int k = reference::power_of_two_factor(channel, widest, bits, 3);
            const Grid& grid = q.grids[static_cast<std::size_t>(c)];
            EXPECT_EQ(grid.scale, std::ldexp(widest.scale, k - 3)) << "channel " << c;
            EXPECT_EQ(grid.zero_point, widest.zero_point);
            steps.insert(grid.scale);
        }
        EXPECT_GE(steps.size(), 2U);
    }
}

TEST(PowerOfTwoFactor, ReportsALowerErrorThanOneGrid) {
    const Factored factored;
    const QuantizedModel model = factored.made();
    const Json& sites = model.report.at(0).at("sites");
    EXPECT_EQ(sites.size(), 5U);  // what enters the first block and two sums in each of two
    for (const auto& [site, error] : sites.items())
        EXPECT_LE(error.at("after").get<double>(), error.at("before").get<double>()) << site;
    const Json& wide = sites.at(place + ":output");
    EXPECT_LT(wide.at("after").get<double>(), 0.7 * wide.at("before").get<double>());
}

TEST(PowerOfTwoFactor, WithoutFactorsIsOneGridPerValue) {
    const Factored factored;
    const QuantizedModel one = factored.made({{"factors", 0}});
    const QuantizedModel plain = factored.toy.fitted(
        {8, 8}, Json::object(), {test::rule({{"kind", "residual"}, {"quantize", true}})});
    EXPECT_TRUE(at::equal(factored.toy.simulated(one), factored.toy.simulated(plain)));
}

TEST(PowerOfTwoFactor, OtherObserversFitTheOtherSites) {
    const Factored factored;
    for (const char* observer : {"ema", "percentile", "omse"}) {
        const QuantizedModel model = factored.made(Json::object(), {{"observer", observer}});
        EXPECT_NO_THROW(model.quantization.require_fitted()) << observer;
    }
}

TEST(PowerOfTwoFactor, PaperAndCodeDifferInTheZeroPoint) {
    const Factored factored;
    const auto zero = [&](const char* from) {
        return factored.made({{"zero_point", from}})
            .quantization.find(place + ":output")
            ->grids.front()
            .zero_point;
    };
    EXPECT_LT(zero("widest"), zero("finest"));
}

TEST(PowerOfTwoFactor, FitsTheMapsOfASwin) {
    test::Toy toy(nn::build_swin(test::small_swin()));
    toy.observe_outputs();
    const QuantizedModel model = toy.made_by({{"passes", {"power_of_two_factor", "fit"}},
                                              {"fit", {{"skip", {"residual"}}}},
                                              {"rule", residual_channels()}},
                                             {8, 8});
    EXPECT_EQ(model.quantization.find("layers.0.blocks.1.residual1:output")->grids.size(), 24U);
    EXPECT_EQ(model.quantization.find("layers.1.downsample.reduction:output")->grids.size(), 48U);
    const at::Tensor plain = toy.logits();
    EXPECT_LT(
        ((toy.simulated(model) - plain).abs().max() / (plain.max() - plain.min())).item<double>(),
        0.1);
}

TEST(PowerOfTwoFactor, IsNoLevelOfAMethod) {
    const test::Toy toy;
    EXPECT_THROW(toy.made_by({{"passes", {"fit", "power_of_two_factor"}},
                              {"levels", Json::array()},
                              {"power_of_two_factor", {{"level", "factor"}}}},
                             {8, 8}),
                 Error);
}

}  // namespace
}  // namespace aocq::quant
