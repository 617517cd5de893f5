// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerError.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

double naive(const at::Tensor& error, const at::Tensor& weight, const at::Tensor& tokens) {
    double sum = 0;
    for (std::int64_t r = 0; r < error.size(0); ++r) {
        const at::Tensor out = at::mv(weight.to(at::kDouble), error[r].to(at::kDouble));
        sum += tokens[r][0].item<double>() * out.square().sum().item<double>();
    }
    return sum;
}

TEST(LayerError, IsTheWeightedOutputErrorForWideAndNarrowLayers) {
    const nn::NoGradients scope;
    const at::Tensor error = test::formula("e", {30, 8});
    const at::Tensor tokens = test::formula("t", {30, 1}) + 1.0;
    for (const std::int64_t outputs : {3, 8, 20}) {
        const at::Tensor weight = test::formula("w", {outputs, 8});
        const double expected = naive(error, weight, tokens);
        EXPECT_NEAR(LayerError(weight)(error, tokens), expected, 1e-4 * expected) << outputs;
    }
}

TEST(LayerError, WithoutTheMeanAConstantErrorIsNone) {
    const nn::NoGradients scope;
    const at::Tensor weight = test::formula("w", {5, 8});
    const at::Tensor error = test::formula("e", {1, 8}).expand({30, 8});
    const at::Tensor tokens = test::formula("t", {30, 1}) + 1.0;
    EXPECT_GT(LayerError(weight)(error, tokens), 0.1);
    EXPECT_LT(LayerError(weight, LayerError::Mean::removed)(error, tokens), 1e-9);
}

TEST(LayerError, JudgingImagesAreNotSearched) {
    const Split split = split_images(10, 4);
    EXPECT_EQ(split.judge, (std::vector<std::int64_t>{3, 7}));
    EXPECT_EQ(split.search.size(), 8U);
    const Split few = split_images(2, 4);
    EXPECT_EQ(few.judge, few.search);
}

TEST(LayerError, RowsKeepTheirWeights) {
    const at::Tensor x = at::arange(24, at::kFloat).reshape({4, 3, 2});
    const at::Tensor weights = at::arange(12, at::kFloat).reshape({4, 3});
    const Rows rows = pick_rows(x, weights, {1, 3}, 100);
    ASSERT_EQ(rows.x.size(0), 6);
    for (std::int64_t r = 0; r < 6; ++r)
        EXPECT_EQ(rows.x[r][0].item<float>(), 2 * rows.weights[r][0].item<float>());
    EXPECT_EQ(pick_rows(x, weights, {0, 1, 2, 3}, 5).x.size(0), 5);
}

TEST(LayerError, OutlierRowsAreAlwaysPickedAndTheOthersMadeUpFor) {
    at::Tensor x = test::formula("x", {10, 40, 3});
    x[7][13][1] = 99.0;
    x[2][5][0] = -98.0;
    const at::Tensor weights = at::ones({10, 40});
    const Rows rows = pick_rows(x, weights, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 40);
    EXPECT_EQ(rows.x.size(0), 40);
    EXPECT_EQ(rows.x.abs().max().item<float>(), 99.0F);
    EXPECT_EQ(rows.x.min().item<float>(), -98.0F);
    EXPECT_NEAR(rows.weights.sum().item<double>(), 400.0, 1e-3);
    EXPECT_EQ(rows.weights[0].item<float>(), 1.0F);
}

}  // namespace
}  // namespace aocq::quant
