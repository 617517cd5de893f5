// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerDistillation.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

Json distilling(int iterations, double rate) {
    return {{"passes", {"fit", {{"for_each", "block"}, {"passes", {"layer_distillation"}}}}},
            {"fit", {{"observer", "minmax"}}},
            {"layer_distillation", {{"iterations", iterations}, {"batch", 2}, {"rate", rate}}},
            {"rule",
             {{{"kind", {"linear.weight"}}, {"granularity", "group"}, {"group", 16}},
              {{"kind", {"linear.input"}}, {"granularity", "token"}, {"mode", "dynamic"}}}}};
}

TEST(LayerDistillation, LowersTheErrorOfHeldBackImagesInEveryBlockThatItChanges) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(distilling(60, 2e-3), {3, 8});
    int accepted = 0;
    for (const Json& pass : model.report) {
        if (pass.at("pass") != "layer_distillation") continue;
        for (const auto& [block, entry] : pass.at("sites").items()) {
            if (entry.at("accepted") != true) {
                EXPECT_EQ(entry.at("after"), entry.at("before")) << block;
                continue;
            }
            ++accepted;
            EXPECT_LT(entry.at("after").get<double>(), entry.at("before").get<double>()) << block;
        }
    }
    EXPECT_GE(accepted, 1);
    EXPECT_FALSE(model.changed.empty());
    const auto distance = [&](const QuantizedModel& m) {
        return (toy.simulated(m) - toy.logits()).square().mean().item<double>();
    };
    Json none = distilling(1, 0.0);
    EXPECT_LT(distance(model), distance(toy.made_by(none, {3, 8})));
}

TEST(LayerDistillation, GridsFollowTheLearnedWeights) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(distilling(30, 2e-3), {3, 8});
    const Site& site =
        toy.sites[static_cast<std::size_t>(std::find_if(toy.sites.begin(), toy.sites.end(),
                                                        [&](const Site& s) {
                                                            return s.is_weight() &&
                                                                   model.changed.contains(
                                                                       s.parameter);
                                                        }) -
                                           toy.sites.begin())];
    const Quantizer& q = *model.quantization.find(site.name);
    const at::Tensor groups = model.changed.at(site.parameter).reshape({-1, 16}).abs().amax(1);
    ASSERT_EQ(static_cast<std::int64_t>(q.grids.size()), groups.numel());
    for (std::int64_t g = 0; g < groups.numel(); ++g)
        EXPECT_NEAR(q.grids[static_cast<std::size_t>(g)].scale, groups[g].item<float>() / 3.5F,
                    1e-6);
}

TEST(LayerDistillation, AtRateZeroChangesNothing) {
    const test::Toy toy;
    const QuantizedModel model = toy.made_by(distilling(2, 0.0), {4, 8});
    EXPECT_TRUE(model.changed.empty());
    const QuantizedModel again = toy.made_by(distilling(5, 0.0), {4, 8});
    EXPECT_TRUE(at::equal(toy.simulated(model), toy.simulated(again)));
}

TEST(LayerDistillation, GivesTheSameBitsAgain) {
    const test::Toy toy;
    const Json method = distilling(10, 1e-3);
    EXPECT_TRUE(at::equal(toy.simulated(toy.made_by(method, {3, 8})),
                          toy.simulated(toy.made_by(method, {3, 8}))));
}

}  // namespace
}  // namespace aocq::quant
