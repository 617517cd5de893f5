// SPDX-License-Identifier: Apache-2.0
#include "quant/Simulate.hpp"

#include <gtest/gtest.h>
#include <torch/cuda.h>

#include <cmath>

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
