// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/RidgeChoice.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t tokens = 200, channels = 6;

// Inputs u, and x = u + noise + a share of u that every image loses alike.
LayerMoments part(const char* name, double noise, double lost) {
    const at::Tensor u = test::formula(name, {tokens, channels}) * 2.0;
    const at::Tensor other = test::formula(std::string(name) + "noise", {tokens, channels});
    const at::Tensor x = u * (1.0 - lost) + other * noise;
    return layer_moments(x, [](const at::Tensor& v) { return v; }, at::ones({tokens, 1}),
                         CrossTerm::wanted, {u, 1.0});
}

TEST(RidgeChoice, ErrorIsTheDifferenceOfTheOutputsErrors) {
    const nn::NoGradients scope;
    const at::Tensor u = test::formula("u", {tokens, channels}) * 3.0 + 0.4;
    const at::Tensor x = at::round(u * 2.0) / 2.0, w = test::formula("weights", {tokens, 1}) + 0.9;
    const LayerMoments moments =
        layer_moments(x, [](const at::Tensor& v) { return v; }, w, CrossTerm::wanted, {u, 1.0});
    const at::Tensor weight = test::formula("weight", {4, channels}).to(at::kDouble);
    const at::Tensor change = test::formula("change", {4, channels}).to(at::kDouble) * 0.1;
    const at::Tensor a = x.to(at::kDouble) - moments.mean, b = u.to(at::kDouble) - moments.raw_mean;
    const auto error = [&](const at::Tensor& candidate) {
        const at::Tensor missed = at::mm(a, candidate.t()) - at::mm(b, weight.t());
        return (missed.square() * w).sum().item<double>() / w.sum(at::kDouble).item<double>();
    };
    EXPECT_NEAR(compensation_error(weight, change, moments), error(weight + change) - error(weight),
                1e-5);
}

TEST(RidgeChoice, WhatAllImagesLoseIsMadeGoodInFull) {
    const nn::NoGradients scope;
    const at::Tensor weight = test::formula("weight", {4, channels});
    EXPECT_EQ(choose_ridge(weight, part("one", 0.01, 0.2), part("other", 0.01, 0.2)), 0.01);
}

TEST(RidgeChoice, WhatTheImagesDoNotShareIsLeftAlone) {
    const nn::NoGradients scope;
    const at::Tensor weight = test::formula("weight", {4, channels});
    // One part lost what the other gained.
    EXPECT_EQ(choose_ridge(weight, part("one", 0.01, 0.2), part("other", 0.01, -0.25)),
              std::nullopt);
}

TEST(RidgeChoice, NoiseAsksForMoreRidgeThanLoss) {
    const nn::NoGradients scope;
    const at::Tensor weight = test::formula("weight", {4, channels});
    const auto noisy = choose_ridge(weight, part("one", 3.0, 0.2), part("other", 3.0, 0.0));
    EXPECT_TRUE(!noisy || *noisy > 0.01);
}

}  // namespace
}  // namespace aocq::quant
