// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/CandidateSearch.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/Random.hpp"

namespace aocq::quant {
namespace {

// losses[candidate][image][group]
using Losses = std::vector<std::vector<std::vector<double>>>;

Losses random_losses(std::size_t candidates, std::size_t images, std::size_t groups) {
    RandomStream stream(RandomKey(4).child("losses"));
    Losses losses(candidates, {images, std::vector<double>(groups)});
    for (auto& candidate : losses) {
        const double level = stream.uniform();
        for (auto& image : candidate) {
            for (double& loss : image) loss = level + stream.uniform();
        }
    }
    return losses;
}

struct Outcome {
    std::vector<BestCandidate> best;
    int calls = 0;
};

Outcome search(const Losses& losses) {
    Outcome outcome;
    outcome.best = search_candidates(
        losses.size(), static_cast<std::int64_t>(losses[0].size()), losses[0][0].size(),
        [&](std::size_t c, std::int64_t image, std::span<double> found) {
            ++outcome.calls;
            const auto& row = losses[c][static_cast<std::size_t>(image)];
            std::copy(row.begin(), row.end(), found.begin());
        });
    return outcome;
}

TEST(CandidateSearch, FindsWhatTheWholeSearchFindsWithFewerLooks) {
    const Losses losses = random_losses(60, 20, 3);
    const Outcome outcome = search(losses);
    EXPECT_LT(outcome.calls, 60 * 20);
    for (std::size_t g = 0; g < 3; ++g) {
        std::size_t best = 0;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t c = 0; c < losses.size(); ++c) {
            double sum = 0;
            for (const auto& image : losses[c]) sum += image[g];
            if (sum < least) {
                least = sum;
                best = c;
            }
        }
        EXPECT_EQ(outcome.best[g].index, best);
        EXPECT_NEAR(outcome.best[g].loss, least, 1e-12 * least);  // in another order
    }
}

TEST(CandidateSearch, LooksAtHeavyImagesFirst) {
    // Images differ far more than candidates do; the best is in the middle, the heaviest image
    // last.
    Losses losses(60, {30, {0.0}});
    for (std::size_t c = 0; c < losses.size(); ++c) {
        const double from_best = (static_cast<double>(c) - 31.0) / 20;
        for (std::size_t i = 0; i < 30; ++i)
            losses[c][i][0] = (1 + from_best * from_best) * (i == 29 ? 1000.0 : 1.0);
    }
    const Outcome outcome = search(losses);
    EXPECT_EQ(outcome.best[0].index, 31U);
    EXPECT_LT(outcome.calls, 60 * 30 / 5);
}

TEST(CandidateSearch, TiesGoToTheFirstAndWhatIsNotFiniteNeverWins) {
    Losses losses(4, {2, {1.0}});
    EXPECT_EQ(search(losses).best[0].index, 0U);
    losses[0][1][0] = std::numeric_limits<double>::infinity();
    EXPECT_EQ(search(losses).best[0].index, 1U);
    for (auto& candidate : losses) candidate[0][0] = std::numeric_limits<double>::infinity();
    EXPECT_EQ(search(losses).best[0].index, 0U);
}

}  // namespace
}  // namespace aocq::quant
