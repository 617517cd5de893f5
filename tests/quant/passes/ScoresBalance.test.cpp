// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ScoresBalance.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

Quantizer tensor_quantizer(int bits) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    return {"x", scheme, {}, false};
}

// Four images of `windows` windows; channel 1 of the keys is large, channel 2 of the queries.
ScoresTask task_of(std::int64_t windows, const Quantizer& query, const Quantizer& key) {
    at::Tensor q = test::formula("q", {4 * windows, 2, 6, 4}) * 4.0;
    at::Tensor k = test::formula("k", {4 * windows, 2, 6, 4}) * 4.0 + 0.3;
    q.select(3, 2).mul_(10.0);
    k.select(3, 1).mul_(12.0);
    return {q, k, at::ones({4, windows * 6}), 0.5, &query, &key};
}

TEST(ScoresBalance, SearchAndJudgeShareNoImage) {
    const std::vector<std::int64_t> searched = attention_rows({0, 1, 2, 4, 5}, 3, 6, 16);
    const std::vector<std::int64_t> judging = attention_rows({3}, 3, 6, 16);
    EXPECT_EQ(judging, (std::vector<std::int64_t>{9, 10, 11}));
    EXPECT_EQ(searched.size(), 15U);
    for (const std::int64_t row : judging)
        EXPECT_EQ(std::find(searched.begin(), searched.end(), row), searched.end());
}

TEST(ScoresBalance, FewImagesAndWindowsAreTakenEvenly) {
    EXPECT_EQ(attention_rows({0, 1, 2, 3}, 4, 2, 2), (std::vector<std::int64_t>{0, 2, 8, 10}));
    EXPECT_EQ(attention_rows({5}, 1, 6, 16), (std::vector<std::int64_t>{5}));
}

TEST(ScoresBalance, UnevenChannelsGainFromBalancing) {
    const nn::NoGradients scope;
    const Quantizer query = tensor_quantizer(4), key = tensor_quantizer(4);
    const BalanceOptions options;
    for (const std::int64_t windows : {1, 3}) {
        const ScoresSearch search(options, task_of(windows, query, key));
        const auto before = search.identity(), best = search.best();
        EXPECT_LT(best.error, 0.7 * before.error) << windows;
        EXPECT_LT(search.judge(best), search.judge(before)) << windows;
    }
}

TEST(ScoresBalance, TokensWithoutWeightDoNotCount) {
    const nn::NoGradients scope;
    const Quantizer query = tensor_quantizer(4), key = tensor_quantizer(4);
    const BalanceOptions options;
    ScoresTask task = task_of(1, query, key);
    task.token_weights = at::zeros({4, 6});
    EXPECT_EQ(ScoresSearch(options, task).identity().error, 0.0);
}

}  // namespace
}  // namespace aocq::quant
