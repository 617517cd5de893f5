// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepFunction.hpp"

#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

Quantizer quantizer_of(Codec codec, Mode mode = Mode::fixed) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = 4;
    scheme.codec = codec;
    scheme.mode = mode;
    const Grid grid = codec == Codec::uniform
                          ? grid_from_range(-0.4F, 0.9F, 4, Symmetry::asymmetric)
                          : Grid{0.8F, 0};
    return {"x", scheme, {grid}, true};
}

const Site place{"x", SiteKind::linear_input, 0, nn::Operand::first, ""};

TEST(StepFunction, GivesWhatTheSimulationGivesBitByBit) {
    const at::Tensor x = test::formula("x", {3, 7, 8});
    for (const Quantizer& q : {quantizer_of(Codec::uniform), quantizer_of(Codec::log2),
                               quantizer_of(Codec::uniform, Mode::dynamic)}) {
        const c10::AutoGradMode on(true);
        const at::Tensor y = round_to_quantizer(nn::leaf(x), place, q, {});
        EXPECT_TRUE(at::equal(y.detach(), fake_quantize(x, place, q)));
    }
}

TEST(StepFunction, KeptValuesAreFloatAndPassTheirGradient) {
    const at::Tensor x = test::formula("x", {3, 7, 8}) * 3.0;
    const at::Tensor kept = kept_values(x.sizes(), 0.5, RandomKey(3));
    const at::Tensor chosen = kept.to(at::kBool);
    for (const Quantizer& q : {quantizer_of(Codec::uniform), quantizer_of(Codec::log2)}) {
        const at::Tensor whole = fake_quantize(x, place, q);
        const c10::AutoGradMode on(true);
        const at::Tensor leaf = nn::leaf(x);
        const at::Tensor y = round_to_quantizer(leaf, place, q, kept);
        EXPECT_TRUE(at::equal(y.detach(), at::where(chosen, x, whole)));
        const at::Tensor slope = nn::gradients(y.sum(), {leaf})[0];
        EXPECT_TRUE(slope.masked_select(chosen).eq(1).all().item<bool>());
        const bool uniform = q.scheme.codec == Codec::uniform;
        EXPECT_EQ(slope.eq(0).any().item<bool>(), uniform);
    }
}

}  // namespace
}  // namespace aocq::quant
