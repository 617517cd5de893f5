// SPDX-License-Identifier: Apache-2.0
#include "quant/PatchSimilarity.hpp"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

// The definition in double precision, one similarity at a time.
double reference_entropy(const std::vector<double>& similarities) {
    constexpr double bandwidth = 0.01;
    constexpr int points = 10;
    const auto [low, high] = std::minmax_element(similarities.begin(), similarities.end());
    const double width = (*high - *low) / (points - 1);
    std::vector<double> shares;
    for (int i = 0; i < points; ++i) {
        const double x = *low + i * width;
        double density = 0;
        for (const double s : similarities) {
            const double z = (x - s) / bandwidth;
            density += std::exp(-0.5 * z * z) / (bandwidth * std::sqrt(2 * std::numbers::pi));
        }
        density = density / static_cast<double>(similarities.size()) + 1e-4;
        shares.push_back(-density * std::log(density));
    }
    double area = 0;
    for (int i = 1; i < points; ++i) area += 0.5 * (shares[i - 1] + shares[i]) * width;
    return area;
}

at::Tensor tensor_of(const std::vector<double>& values) {
    return at::tensor(at::ArrayRef<double>(values.data(), values.size()), at::kDouble)
        .to(at::kFloat)
        .unsqueeze(0);
}

double entropy_of(const std::vector<double>& values) {
    const at::Tensor rows = tensor_of(values);
    return density_entropy(rows, density_points(rows)).item<double>();
}

TEST(PatchSimilarity, EntropyIsThatOfTheKernelDensityInDoublePrecision) {
    const std::vector<std::vector<double>> sets = {
        {0.1, 0.12, 0.5, 0.52, 0.9, 1.0},
        {-0.3, -0.1, 0.0, 0.2, 0.21, 0.22, 0.7, 1.0, 1.0},
        {0.97, 0.975, 0.98, 0.985, 0.99, 1.0}};
    for (const auto& set : sets) {
        const double wanted = reference_entropy(set);
        EXPECT_NEAR(entropy_of(set), wanted, 1e-4 * std::max(1.0, std::abs(wanted)));
    }
}

TEST(PatchSimilarity, EntropyIsLargerWherePatchesDifferMore) {
    std::vector<double> alike, different;
    for (int i = 0; i <= 200; ++i) {
        alike.push_back(0.95 + 0.05 * i / 200);
        different.push_back(-0.2 + 1.2 * i / 200);
    }
    EXPECT_GT(entropy_of(different), entropy_of(alike));
}

TEST(PatchSimilarity, SimilaritiesAreCosinesOfTheHeadsMeanWithoutLearnedTokens) {
    const at::Tensor context = test::formula("context", {2, 3, 5, 4});  // 2 images, 5 places
    const at::Tensor found = patch_similarities(context, 2, 1).to(at::kDouble);
    ASSERT_EQ(found.sizes(), (at::IntArrayRef{2, 16}));
    const at::Tensor patches = context.to(at::kDouble).mean(1);
    for (std::int64_t image = 0; image < 2; ++image) {
        for (std::int64_t a = 0; a < 4; ++a) {
            for (std::int64_t b = 0; b < 4; ++b) {
                const at::Tensor x = patches[image][a + 1], y = patches[image][b + 1];
                const double wanted = (x.dot(y) / (x.norm() * y.norm())).item<double>();
                EXPECT_NEAR(found[image][a * 4 + b].item<double>(), wanted, 1e-5);
            }
        }
    }
}

TEST(PatchSimilarity, PatchesOfAWindowAreComparedWithinIt) {
    const at::Tensor windows = test::formula("windows", {6, 2, 4, 8});  // 2 images of 3 windows
    const at::Tensor all = patch_similarities(windows, 2, 0);
    ASSERT_EQ(all.sizes(), (at::IntArrayRef{2, 48}));
    const at::Tensor second = patch_similarities(windows.slice(0, 3, 6), 1, 0);
    EXPECT_TRUE(at::allclose(all.slice(0, 1, 2), second, 1e-6, 1e-6));
}

TEST(PatchSimilarity, ModelsWithWindowsHaveOneEntropyPerImage) {
    const nn::NoGradients scope;
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const PatchSimilarity similarity(toy.graph);
    EXPECT_EQ(similarity.taps().size(), 3U);
    nn::RunOptions options;
    options.taps = similarity.taps();
    const auto entropy = [&](const at::Tensor& images) {
        return similarity.entropy(
            nn::run(toy.graph, toy.parameters, {{toy.graph.input(), images}}, options),
            images.size(0));
    };
    const at::Tensor all = entropy(toy.images);
    ASSERT_EQ(all.sizes(), (at::IntArrayRef{4}));
    EXPECT_TRUE(at::allclose(all.slice(0, 2, 3), entropy(toy.images.slice(0, 2, 3)), 1e-3, 1e-3));
}

// The points are held, as the gradient holds them.
TEST(PatchSimilarity, GradientOfTheEntropyIsThatOfFiniteDifferences) {
    const at::AutoGradMode gradients_on(true);
    const at::Tensor start = test::formula("context", {1, 2, 6, 4}).to(at::kDouble);
    const at::Tensor points = density_points(patch_similarities(start, 1, 1));
    const auto entropy = [&](const at::Tensor& context) {
        return density_entropy(patch_similarities(context, 1, 1), points).sum();
    };
    const at::Tensor leaf = nn::leaf(start);
    const at::Tensor gradient = nn::gradients(entropy(leaf), {leaf})[0].flatten();
    EXPECT_GT(gradient.abs().max().item<double>(), 1e-3);
    constexpr double step = 1e-6;
    for (std::int64_t i = 0; i < start.numel(); ++i) {
        at::Tensor up = start.clone(), down = start.clone();
        up.view(-1)[i] += step;
        down.view(-1)[i] -= step;
        const double wanted = (entropy(up) - entropy(down)).item<double>() / (2 * step);
        EXPECT_NEAR(gradient[i].item<double>(), wanted, 1e-4 * std::max(1.0, std::abs(wanted)))
            << i;
    }
}

}  // namespace
}  // namespace aocq::quant
