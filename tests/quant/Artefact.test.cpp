// SPDX-License-Identifier: Apache-2.0
#include "quant/Artefact.hpp"

#include <gtest/gtest.h>

#include "quant/Simulate.hpp"
#include "quant/Toy.hpp"
#include "support/TempFolder.hpp"

namespace aocq::quant {
namespace {

TEST(Artefact, ComesBackAndSimulatesTheSameBits) {
    const nn::NoGradients scope;
    const test::Toy toy;
    QuantizedModel model = toy.fitted({4, 6}, {{"observer", "mse"}});
    model.changed["head.bias"] = toy.parameters.at("head.bias") + 0.25;
    model.quantization.share("blocks.1.attn.scores:rhs", "blocks.1.attn.scores:lhs");
    const test::TempFolder folder;
    store::write_bundle(folder / "a.h5", to_bundle(model, {{"model", "toy"}}));
    const QuantizedModel back =
        quantized_from_bundle(store::read_bundle(folder / "a.h5", "artefact"));
    EXPECT_EQ(back.quantization.assignments(), model.quantization.assignments());
    EXPECT_EQ(back.report, model.report);
    Simulation one(toy.graph, toy.parameters, model), two(toy.graph, toy.parameters, back);
    EXPECT_TRUE(at::equal(nn::forward(toy.graph, one.parameters(), toy.images, &one),
                          nn::forward(toy.graph, two.parameters(), toy.images, &two)));
}

TEST(Artefact, EditsAndRewritesComeBack) {
    const test::Toy toy;
    QuantizedModel model = toy.fitted({4, 6});
    model.edits = {{nn::EditKind::balance, "blocks.0.mlp.gelu", 192}};
    model.balanced = nn::neutral_parameters(model.edits);
    model.balanced["blocks.0.mlp.gelu.balance_scale"].fill_(2.0);
    const QuantizedModel back = quantized_from_bundle(to_bundle(model, Json::object()));
    EXPECT_EQ(back.edits, model.edits);
    EXPECT_TRUE(at::equal(toy.simulated(back), toy.simulated(model)));
    EXPECT_FALSE(at::equal(toy.simulated(back), toy.simulated(toy.fitted({4, 6}))));
}

TEST(Artefact, TwinGridsAndPartsComeBack) {
    const test::Toy toy;
    const QuantizedModel model =
        toy.fitted({4, 6}, Json::object(),
                   {test::rule({{"kind", "attention.probability"}, {"codec", "twin"}}),
                    test::rule({{"name", "*.fc2:input"}, {"codec", "twin"}}),
                    test::rule({{"name", "*.qkv:weight"}, {"granularity", "part"}, {"parts", 3}})});
    const QuantizedModel back = quantized_from_bundle(to_bundle(model, Json::object()));
    for (const char* site : {"blocks.0.attn.context:lhs", "blocks.1.mlp.fc2:input"}) {
        EXPECT_EQ(back.quantization.find(site)->grids.size(), 2U);
        EXPECT_EQ(back.quantization.find(site)->scheme, model.quantization.find(site)->scheme);
    }
    EXPECT_TRUE(at::equal(toy.simulated(back), toy.simulated(model)));
    EXPECT_FALSE(at::equal(toy.simulated(back), toy.simulated(toy.fitted({4, 6}))));
}

TEST(Artefact, OutputsAndIntegerSoftmaxComeBack) {
    test::Toy toy;
    toy.observe_outputs();
    const QuantizedModel model = toy.fitted(
        {4, 6}, Json::object(),
        {test::rule({{"kind", {"residual", "attention.score"}}, {"quantize", true}}),
         test::rule({{"kind", "residual"}, {"granularity", "channel"}}),
         test::rule(
             {{"kind", "attention.probability"}, {"codec", "log_int"}, {"zero", "beyond"}})});
    const QuantizedModel back = quantized_from_bundle(to_bundle(model, Json::object()));
    EXPECT_EQ(back.quantization.find("blocks.0.attn.context:lhs")->scheme.zero, LogZero::beyond);
    EXPECT_EQ(back.quantization.find("blocks.1.residual2:output")->grids.size(), 48U);
    EXPECT_TRUE(at::equal(toy.simulated(back), toy.simulated(model)));
}

TEST(Artefact, ScaleThatIsNotPositiveIsDamage) {
    const test::Toy toy;
    store::Bundle bundle = to_bundle(toy.fitted({4, 6}), Json::object());
    for (auto& array : bundle.arrays) {
        if (array.name == "quantizers/0/scale") std::get<std::vector<float>>(array.data)[0] = -1;
    }
    EXPECT_THROW(quantized_from_bundle(bundle), Error);
}

TEST(Artefact, SiteThatNamesNoQuantizerIsDamage) {
    const test::Toy toy;
    store::Bundle bundle = to_bundle(toy.fitted({4, 6}), Json::object());
    bundle.attributes["quantization"]["sites"]["head:input"] = 1000;
    EXPECT_THROW(quantized_from_bundle(bundle), Error);
}

}  // namespace
}  // namespace aocq::quant
