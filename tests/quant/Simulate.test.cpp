// SPDX-License-Identifier: Apache-2.0
#include "quant/Simulate.hpp"

#include <gtest/gtest.h>
#include <torch/cuda.h>

#include <cmath>

#include "quant/SitePolicy.hpp"
#include "quant/Toy.hpp"
#include "quant/kernels/TwinQuant.hpp"

namespace aocq::quant {
namespace {

Site linear_input() {
    return {"x:input", SiteKind::linear_input, 0, nn::Operand::first, ""};
}

Quantizer quantizer(int bits, Granularity granularity, std::vector<Grid> grids) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.granularity = granularity;
    if (granularity == Granularity::token) scheme.mode = Mode::dynamic;
    return {"x:input", scheme, std::move(grids), true};
}

// The tensor operations that autograd and CUDA use against the fused kernel: the same bits.
void expect_same_bits(const at::Tensor& x, const Site& site, const Quantizer& q) {
    at::Tensor kernel;
    {
        const nn::NoGradients scope;
        kernel = fake_quantize(x, site, q);
    }
    const at::Tensor operations = fake_quantize(nn::leaf(x), site, q).detach();
    EXPECT_TRUE(at::equal(kernel, operations)) << (kernel - operations).abs().max().item<double>();
}

TEST(Simulate, OperationsAndKernelGiveTheSameBits) {
    const at::Tensor x = test::formula("image", {3, 17, 48}) * 3.7;
    for (int bits = 2; bits <= 8; ++bits) {
        const Grid grid = grid_from_range(-3.1F, 5.9F, bits, Symmetry::asymmetric);
        expect_same_bits(x, linear_input(), quantizer(bits, Granularity::tensor, {grid}));
        expect_same_bits(x, linear_input(), quantizer(bits, Granularity::token, {}));
        std::vector<Grid> channels;
        for (int c = 0; c < 48; ++c) {
            channels.push_back(
                grid_from_range(-0.1F * static_cast<float>(c), 4.0F, bits, Symmetry::symmetric));
        }
        expect_same_bits(x, linear_input(), quantizer(bits, Granularity::channel, channels));
    }
}

TEST(Simulate, LogarithmicOperationsAndKernelGiveTheSameBits) {
    // Every binary order of magnitude, the rounding borders between codes, zero and one.
    std::vector<float> values{0.0F, 1.0F, 1e-38F, 1e-45F, -0.5F, 2.0F};
    for (int i = 0; i < 4000; ++i)
        values.push_back(std::ldexp(1.0F + static_cast<float>(i) / 4000.0F, -(i % 40)));
    for (const float root : {0x1.306FE0p0F, 0x1.6A09E6p0F, 0x1.AE89F8p0F}) {
        for (int e = 0; e < 20; ++e) {
            const float border = std::ldexp(root, -e);
            values.insert(values.end(),
                          {border, std::nextafter(border, 0.0F), std::nextafter(border, 2.0F)});
        }
    }
    const at::Tensor x = at::tensor(at::ArrayRef<float>(values.data(), values.size()));
    const Site site{"a:lhs", SiteKind::attention_probability, 0, nn::Operand::first, ""};
    for (const Codec codec : {Codec::log2, Codec::log_sqrt2}) {
        for (int bits = 2; bits <= 8; ++bits) {
            for (const float scale : {1.0F, 0.37F}) {
                Quantizer q = quantizer(bits, Granularity::tensor, {{scale, 0}});
                q.scheme.codec = codec;
                expect_same_bits(x, site, q);
                q.scheme.zero = LogZero::beyond;
                expect_same_bits(x, site, q);
            }
        }
    }
}

TEST(Simulate, TwinOperationsAndKernelGiveTheSameBits) {
    const at::Tensor x =
        at::cat({test::formula("image", {3, 17, 48}) * 0.4,
                 test::formula("image", {3, 17, 48}).abs() * 0.01,
                 at::tensor({0.0F, -0.0F, -9.0F, 9.0F, 0.5F, 1.0F}).expand({3, 17, 6})},
                -1);
    const Site probability{"a:lhs", SiteKind::attention_probability, 0, nn::Operand::first, ""};
    for (int bits = 2; bits <= 8; ++bits) {
        for (const Codec codec : {Codec::twin, Codec::twin_as_released}) {
            for (const int split : {0, 2, 6}) {
                const TwinGrid grid = twin_of_probabilities(split, bits);
                Quantizer q = quantizer(bits, Granularity::tensor, {grid.lower, grid.upper});
                q.scheme.codec = codec;
                expect_same_bits(x, probability, q);
            }
        }
        const TwinGrid grid = twin_of_signs(-0.1F, 0.7F, bits);
        Quantizer q = quantizer(bits, Granularity::tensor, {grid.lower, grid.upper});
        q.scheme.codec = Codec::twin;
        expect_same_bits(x, linear_input(), q);
    }
}

TEST(Simulate, TwinGradientIsOneInsideAndZeroOutside) {
    const at::Tensor x = nn::leaf(at::tensor({-9.0F, -0.1F, 0.3F, 9.0F}));
    const TwinGrid grid = twin_of_signs(-0.1F, 1.0F, 4);
    Quantizer q = quantizer(4, Granularity::tensor, {grid.lower, grid.upper});
    q.scheme.codec = Codec::twin;
    const auto grads = nn::gradients(fake_quantize(x, linear_input(), q).sum(), {x});
    EXPECT_TRUE(at::equal(grads[0], at::tensor({0.0F, 1.0F, 1.0F, 0.0F}))) << grads[0];
}

TEST(Simulate, OutputIsOnItsGridBeforeAnythingReadsIt) {
    const nn::NoGradients scope;
    test::Toy toy;
    toy.observe_outputs();
    const QuantizedModel model =
        toy.fitted({32, 4}, Json::object(),
                   {test::rule({{"name", "*"}, {"quantize", false}}),
                    test::rule({{"name", "blocks.0.residual1:output"}, {"quantize", true}})});
    Simulation simulation(toy.graph, toy.parameters, model);
    nn::RunOptions options;
    options.taps = {toy.graph.find_value("blocks.0.residual1").value(), toy.graph.output()};
    const nn::Values plain = nn::run(toy.graph, toy.parameters, {{0, toy.images}}, options);
    options.policy = &simulation;
    const nn::Values found =
        nn::run(simulation.graph(), simulation.parameters(), {{0, toy.images}}, options);
    const Quantizer& q = *model.quantization.find("blocks.0.residual1:output");
    const at::Tensor wanted = fake_quantize(plain.at(options.taps[0]), linear_input(), q);
    EXPECT_TRUE(at::equal(found.at(options.taps[0]), wanted));
    const nn::Values behind =
        nn::run(toy.graph, toy.parameters, {{options.taps[0], wanted}},
                {.first = toy.graph.node_index("blocks.0.norm2"), .taps = {toy.graph.output()}});
    EXPECT_TRUE(at::equal(found.at(options.taps[1]), behind.at(toy.graph.output())));
    EXPECT_FALSE(at::equal(found.at(options.taps[1]), plain.at(options.taps[1])));
}

std::vector<Rule> integer_softmax_rules() {
    return {test::rule({{"kind", "attention.score"}, {"quantize", true}}),
            test::rule({{"kind", "attention.probability"}, {"codec", "log_int"}, {"bits", 4}})};
}

TEST(Simulate, IntegerSoftmaxMakesPowersOfTwoFromScoresOnTheirGrid) {
    const nn::NoGradients scope;
    for (const nn::Graph& graph :
         {nn::build_vit(test::small_shape()), nn::build_swin(test::small_swin())}) {
        test::Toy toy(graph);
        toy.observe_outputs();
        const QuantizedModel model = toy.fitted({8, 8}, Json::object(), integer_softmax_rules());
        Simulation simulation(toy.graph, toy.parameters, model);
        nn::RunOptions options;
        std::vector<std::size_t> softmaxes;
        for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
            if (!std::holds_alternative<nn::Softmax>(graph.nodes()[i].op)) continue;
            softmaxes.push_back(i);
            options.taps.push_back(graph.nodes()[i].output);
            options.taps.push_back(graph.nodes()[i].inputs.front());
        }
        options.policy = &simulation;
        const nn::Values values =
            nn::run(simulation.graph(), simulation.parameters(), {{0, toy.images}}, options);
        for (const std::size_t i : softmaxes) {
            const at::Tensor p = values.at(graph.nodes()[i].output);
            const at::Tensor exact = at::softmax(values.at(graph.nodes()[i].inputs.front()), -1);
            const at::Tensor above = p > 0;
            EXPECT_TRUE(at::equal(at::where(above, p.log2().round().exp2(), p), p));
            EXPECT_GE(p.masked_select(above).min().item<float>(), 0x1p-14F);
            EXPECT_LT((p - exact).abs().max().item<double>(), 0.4);
            EXPECT_GT((p - exact).abs().max().item<double>(), 0.0);
        }
    }
}

// A pass that runs a block in pieces sees the same probabilities as the whole simulation.
TEST(Simulate, PolicyOfSitesPutsAnIntegerSoftmaxWhereTheSimulationDoes) {
    const nn::NoGradients scope;
    test::Toy toy;
    toy.observe_outputs();
    const QuantizedModel model = toy.fitted({32, 8}, Json::object(), integer_softmax_rules());
    SitePolicy policy(toy.graph.nodes().size());
    for (const Site& site : toy.sites) policy.set(site, model.quantization.find(site.name));
    EXPECT_TRUE(at::equal(nn::forward(toy.graph, toy.parameters, toy.images, &policy),
                          toy.simulated(model)));
}

TEST(Simulate, GradientOfAnIntegerSoftmaxIsTheExactOnes) {
    SiteScheme scheme{.quantized = true, .codec = Codec::log_int, .bits = 4};
    const Quantizer q{"p", scheme, {{0.1F, 0}}, true};
    const at::Tensor scores = nn::leaf(test::formula("scores", {3, 7}) * 2.0);
    const at::Tensor weights = test::formula("weights", {3, 7});
    const auto found = nn::gradients((integer_softmax(scores, q) * weights).sum(), {scores});
    const auto exact = nn::gradients((at::softmax(scores, -1) * weights).sum(), {scores});
    EXPECT_TRUE(at::allclose(found[0], exact[0], 1e-5, 1e-7));
    const nn::NoGradients scope;
    EXPECT_FALSE(at::allclose(integer_softmax(scores, q), at::softmax(scores, -1), 1e-3, 1e-3));
}

TEST(Simulate, PerHeadUsesEachHeadsGridOnTransposedViews) {
    const nn::NoGradients scope;
    const at::Tensor packed = test::formula("image", {2, 5, 3, 4});  // [B, N, H, D]
    const at::Tensor x = packed.transpose(1, 2);                     // [B, H, N, D], not contiguous
    const Site site{"a:lhs", SiteKind::attention_query, 0, nn::Operand::first, ""};
    std::vector<Grid> grids;
    for (const float top : {0.5F, 1.0F, 2.0F})
        grids.push_back(grid_from_range(-top, top, 4, Symmetry::asymmetric));
    const at::Tensor y = fake_quantize(x, site, quantizer(4, Granularity::head, grids));
    for (std::int64_t h = 0; h < 3; ++h) {
        const at::Tensor alone =
            fake_quantize(x.select(1, h).contiguous(), site,
                          quantizer(4, Granularity::tensor, {grids[static_cast<std::size_t>(h)]}));
        EXPECT_TRUE(at::equal(y.select(1, h), alone)) << h;
    }
    EXPECT_TRUE(
        at::equal(packed, test::formula("image", {2, 5, 3, 4})));  // the source was not written to
}

TEST(Simulate, StraightThroughGradientIsOneInsideAndZeroOutside) {
    const at::Tensor x = nn::leaf(at::tensor({-9.0F, -0.2F, 0.3F, 0.9F, 9.0F}));
    const Grid grid = grid_from_range(-1.0F, 1.0F, 4, Symmetry::asymmetric);
    const at::Tensor y =
        fake_quantize(x, linear_input(), quantizer(4, Granularity::tensor, {grid}));
    const auto grads = nn::gradients(y.sum(), {x});
    EXPECT_TRUE(at::equal(grads[0], at::tensor({0.0F, 1.0F, 1.0F, 1.0F, 0.0F}))) << grads[0];
}

TEST(Simulate, WeightsAreOnTheirGridOnce) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const QuantizedModel model = toy.fitted({4, 8});
    const Simulation simulation(toy.graph, toy.parameters, model);
    const at::Tensor& weight = simulation.parameters().at("blocks.0.mlp.fc1.weight");
    const Quantizer& q = *model.quantization.find("blocks.0.mlp.fc1:weight");
    ASSERT_EQ(q.grids.size(), 192U);
    for (std::int64_t row = 0; row < 192; row += 37) {
        const Grid grid = q.grids[static_cast<std::size_t>(row)];
        for (std::int64_t i = 0; i < 48; ++i) {
            const float code = weight[row][i].item<float>() / grid.scale;
            EXPECT_NEAR(code, std::round(code), 1e-3);
        }
    }
    EXPECT_FALSE(at::equal(weight, toy.parameters.at("blocks.0.mlp.fc1.weight")));
}

TEST(Simulate, EightBitsStayNearTheFloatLogitsAndTwoDoNot) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const at::Tensor plain = nn::forward(toy.graph, toy.parameters, toy.images);
    const auto error = [&](Widths widths) {
        Simulation simulation(toy.graph, toy.parameters, toy.fitted(widths));
        const at::Tensor logits =
            nn::forward(toy.graph, simulation.parameters(), toy.images, &simulation);
        return ((logits - plain).abs().max() / (plain.max() - plain.min())).item<double>();
    };
    EXPECT_LT(error({8, 8}), 0.05);
    EXPECT_GT(error({2, 2}), 0.1);
    EXPECT_LT(error({8, 8}), error({4, 4}));
}

// Every kind of partition on a model with windows; each head its own grid, the windows share it.
TEST(Simulate, WindowedModelStaysNearItsFloatLogits) {
    const nn::NoGradients scope;
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const std::vector<std::vector<Rule>> variants{
        {},
        {test::rule({{"kind", "attention.*"}, {"granularity", "head"}})},
        {test::rule({{"kind", {"linear.input", "attention.query", "attention.key"}},
                     {"granularity", "token"},
                     {"mode", "dynamic"}})}};
    const at::Tensor plain = nn::forward(toy.graph, toy.parameters, toy.images);
    for (const auto& rules : variants) {
        const QuantizedModel model = toy.fitted({8, 8}, Json::object(), rules);
        Simulation simulation(toy.graph, toy.parameters, model);
        const at::Tensor logits =
            nn::forward(toy.graph, simulation.parameters(), toy.images, &simulation);
        EXPECT_FALSE(at::equal(logits, plain));
        EXPECT_LT(((logits - plain).abs().max() / (plain.max() - plain.min())).item<double>(),
                  0.05);
    }
    const QuantizedModel heads = toy.fitted({8, 8}, Json::object(), variants[1]);
    EXPECT_EQ(heads.quantization.find("layers.0.blocks.1.attn.scores:lhs")->grids.size(), 2U);
    EXPECT_EQ(heads.quantization.find("layers.1.blocks.0.attn.context:lhs")->grids.size(), 4U);
}

TEST(Simulate, AllFloatWidthsChangeNothing) {
    const nn::NoGradients scope;
    const test::Toy toy;
    QuantizedModel model;
    model.quantization = Quantization(toy.sites, toy.schemes({32, 32}));
    Simulation simulation(toy.graph, toy.parameters, model);
    EXPECT_TRUE(at::equal(nn::forward(toy.graph, simulation.parameters(), toy.images, &simulation),
                          nn::forward(toy.graph, toy.parameters, toy.images)));
}

TEST(Simulate, DroppedElementsStayFloatAndRepeatWithTheSeed) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const QuantizedModel model = toy.fitted({32, 2});
    const auto logits = [&](double drop, std::uint64_t seed) {
        Simulation simulation(toy.graph, toy.parameters, model, {.drop = drop, .seed = seed});
        return nn::forward(toy.graph, simulation.parameters(), toy.images, &simulation);
    };
    EXPECT_TRUE(at::equal(logits(0.5, 1), logits(0.5, 1)));
    EXPECT_FALSE(at::equal(logits(0.5, 1), logits(0.5, 2)));
    EXPECT_TRUE(at::equal(logits(1.0, 1), nn::forward(toy.graph, toy.parameters, toy.images)));
}

TEST(Simulate, UnfittedSiteIsAnError) {
    const test::Toy toy;
    QuantizedModel model;
    model.quantization = Quantization(toy.sites, toy.schemes({8, 8}));
    EXPECT_THROW(Simulation(toy.graph, toy.parameters, model), Error);
}

TEST(Simulate, CudaGivesTheValuesOfTheCpu) {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
    const nn::NoGradients scope;
    const at::Tensor x = test::formula("image", {3, 17, 48}) * 3.7;
    const Quantizer q =
        quantizer(6, Granularity::tensor, {grid_from_range(-3, 5, 6, Symmetry::asymmetric)});
    EXPECT_TRUE(at::equal(fake_quantize(x.cuda(), linear_input(), q).cpu(),
                          fake_quantize(x, linear_input(), q)));
    const TwinGrid grid = twin_of_signs(-3.0F, 5.0F, 6);
    Quantizer twin = quantizer(6, Granularity::tensor, {grid.lower, grid.upper});
    twin.scheme.codec = Codec::twin;
    EXPECT_TRUE(at::equal(fake_quantize(x.cuda(), linear_input(), twin).cpu(),
                          fake_quantize(x, linear_input(), twin)));
}

}  // namespace
}  // namespace aocq::quant
