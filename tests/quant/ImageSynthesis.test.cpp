// SPDX-License-Identifier: Apache-2.0
#include "quant/ImageSynthesis.hpp"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <stdexcept>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

const ImageForm form{32, {-2.0F, -1.5F, -1.0F}, {1.0F, 1.5F, 2.0F}};

SynthesisOptions few(int iterations = 6) {
    SynthesisOptions options;
    options.iterations = iterations;
    return options;
}

struct Made : test::Toy {
    using Toy::Toy;
    ImageSynthesis synthesis(const SynthesisOptions& options, std::uint64_t seed = 1) const {
        return {graph, parameters, form, options, RandomKey(seed)};
    }
    at::Tensor images(std::int64_t first, std::int64_t last, const SynthesisOptions& options,
                      std::uint64_t seed = 1) const {
        const nn::NoGradients scope;
        return synthesis(options, seed).make(first, last, [] {});
    }
};

double mean_loss(const Made& toy, const SynthesisOptions& options, const at::Tensor& images) {
    const nn::NoGradients scope;
    const ImageSynthesis synthesis = toy.synthesis(options);
    return synthesis.weighted(synthesis.losses(images, 0)).mean().item<double>();
}

TEST(ImageSynthesis, AnImageDependsOnItsNumberAndTheSeedOnly) {
    const Made toy;
    const at::Tensor all = toy.images(2, 3, few());
    EXPECT_TRUE(at::equal(all, toy.images(2, 3, few())));
    EXPECT_FALSE(at::equal(all, toy.images(3, 4, few())));
    EXPECT_FALSE(at::equal(all, toy.images(2, 3, few(), 2)));
    // Its neighbours in a batch are no part of its loss; only the order of sums may differ.
    const at::Tensor alone = toy.images(2, 3, few(1)), beside = toy.images(1, 4, few(1));
    EXPECT_LT((beside.slice(0, 1, 2) - alone).abs().mean().item<double>(), 1e-3);
}

TEST(ImageSynthesis, PixelsStayInTheRangeThatAnImageCanHave) {
    const Made toy;
    SynthesisOptions wild = few(4);
    wild.rate = 5;
    for (const auto& options : {few(0), few(), wild}) {
        const at::Tensor images = toy.images(0, 2, options);
        ASSERT_EQ(images.sizes(), (at::IntArrayRef{2, 3, 32, 32}));
        for (std::int64_t c = 0; c < 3; ++c) {
            const auto channel = static_cast<std::size_t>(c);
            EXPECT_GE(images.select(1, c).min().item<float>(), form.low[channel]);
            EXPECT_LE(images.select(1, c).max().item<float>(), form.high[channel]);
        }
    }
}

TEST(ImageSynthesis, WithoutStepsImagesAreClippedNoise) {
    const Made toy;
    const at::Tensor noise = toy.images(0, 4, few(0)).select(1, 1);  // -1.5 .. 1.5
    EXPECT_NEAR(noise.mean().item<double>(), 0, 0.05);
    EXPECT_NEAR(noise.square().mean().sqrt().item<double>(), 0.87, 0.03);
    EXPECT_FALSE(at::equal(noise[0], noise[1]));
}

TEST(ImageSynthesis, TheLossFalls) {
    for (const bool windows : {false, true}) {
        const Made toy(windows ? nn::build_swin(test::small_swin())
                               : nn::build_vit(test::small_shape()));
        SynthesisOptions options = few(30);
        options.rate = 0.05;
        const double before = mean_loss(toy, options, toy.images(0, 2, few(0)));
        const double after = mean_loss(toy, options, toy.images(0, 2, options));
        EXPECT_LT(after, 0.5 * before) << windows;
    }
}

TEST(ImageSynthesis, EachLossAloneIsMadeSmaller) {
    const Made toy;
    for (int term = 0; term < 3; ++term) {
        SynthesisOptions options = few(40);
        options.rate = 0.05;
        options.entropy_weight = term == 0;
        options.label_weight = term == 1;
        options.variation_weight = term == 2;
        const double before = mean_loss(toy, options, toy.images(0, 2, few(0)));
        const double after = mean_loss(toy, options, toy.images(0, 2, options));
        EXPECT_LT(after, before) << term;
    }
}

TEST(ImageSynthesis, LabelsOfDifferentImagesDifferAndAreClasses) {
    const Made toy;
    const ImageSynthesis synthesis = toy.synthesis(few());
    std::set<std::int64_t> labels;
    for (std::int64_t image = 0; image < 64; ++image) {
        const std::int64_t label = synthesis.label(image, 10);
        EXPECT_GE(label, 0);
        EXPECT_LT(label, 10);
        labels.insert(label);
    }
    EXPECT_GT(labels.size(), 6U);
}

TEST(ImageSynthesis, TotalVariationIsTheSumOfFourNorms) {
    const at::Tensor images = test::formula("image", {2, 3, 5, 5});
    const at::Tensor found = total_variation(images);
    const at::Tensor x = images.to(at::kDouble);
    const auto value = x.accessor<double, 4>();
    for (std::int64_t image = 0; image < 2; ++image) {
        double wanted = 0;
        for (const auto& [down, right] : {std::pair{0, 1}, {1, 0}, {1, 1}, {1, -1}}) {
            double squares = 0;
            for (std::int64_t c = 0; c < 3; ++c) {
                for (std::int64_t i = 0; i + down < 5; ++i) {
                    for (std::int64_t j = 0; j < 5; ++j) {
                        if (j + right < 0 || j + right >= 5) continue;
                        const double d =
                            value[image][c][i][j] - value[image][c][i + down][j + right];
                        squares += d * d;
                    }
                }
            }
            wanted += std::sqrt(squares);
        }
        EXPECT_NEAR(found[image].item<double>(), wanted, 1e-4 * wanted);
    }
}

TEST(ImageSynthesis, IsLeftOffBetweenTwoSteps) {
    const Made toy;
    const nn::NoGradients scope;
    int steps = 0;
    const auto stop = [&] {
        if (++steps == 3) throw std::runtime_error("enough");
    };
    EXPECT_THROW(toy.synthesis(few()).make(0, 1, stop), std::runtime_error);
    steps = 10;
    toy.synthesis(few()).make(0, 1, stop);
    EXPECT_EQ(steps, 10 + 2 * 6);
}

}  // namespace
}  // namespace aocq::quant
