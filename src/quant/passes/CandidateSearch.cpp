// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/CandidateSearch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

class Search {
  public:
    Search(std::size_t candidates, std::int64_t images, std::size_t groups,
           const CandidateLoss& loss)
        : images_(images),
          groups_(groups),
          loss_(loss),
          sums_(candidates, std::vector<double>(groups, 0.0)),
          best_(groups, {0, infinite}) {}

    std::vector<BestCandidate> run() {
        for (std::size_t c = 0; c < sums_.size(); ++c) add(c, 0);
        for (const std::size_t c : promising_first()) {
            bool complete = true;
            for (std::int64_t image = 1; image < images_ && complete; ++image) {
                complete = may_win(c);
                if (complete) add(c, image);
            }
            if (complete) settle(c);
        }
        return best_;
    }

  private:
    void add(std::size_t candidate, std::int64_t image) {
        std::vector<double> found(groups_, 0.0);
        loss_(candidate, image, found);
        for (std::size_t g = 0; g < groups_; ++g) {
            AOCQ_EXPECT(!(found[g] < 0));
            sums_[candidate][g] += std::isfinite(found[g]) ? found[g] : infinite;
        }
    }

    // By the first image, relative to the best there in each group.
    std::vector<std::size_t> promising_first() const {
        std::vector<double> least(groups_, infinite), score(sums_.size(), 0.0);
        for (const auto& sums : sums_) {
            for (std::size_t g = 0; g < groups_; ++g) least[g] = std::min(least[g], sums[g]);
        }
        for (std::size_t c = 0; c < sums_.size(); ++c) {
            for (std::size_t g = 0; g < groups_; ++g)
                score[c] += sums_[c][g] / std::max(least[g], std::numeric_limits<double>::min());
        }
        std::vector<std::size_t> order(sums_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
        return order;
    }

    bool may_win(std::size_t candidate) const {
        for (std::size_t g = 0; g < groups_; ++g) {
            if (sums_[candidate][g] <= best_[g].loss) return true;
        }
        return false;
    }

    void settle(std::size_t candidate) {
        for (std::size_t g = 0; g < groups_; ++g) {
            const double loss = sums_[candidate][g];
            BestCandidate& best = best_[g];
            const bool better = loss < best.loss || (loss == best.loss && candidate < best.index);
            if (better) best = {candidate, loss};
        }
    }

    std::int64_t images_;
    std::size_t groups_;
    const CandidateLoss& loss_;
    std::vector<std::vector<double>> sums_;
    std::vector<BestCandidate> best_;
};

}  // namespace

std::vector<BestCandidate> search_candidates(std::size_t candidates, std::int64_t images,
                                             std::size_t groups, const CandidateLoss& loss) {
    AOCQ_EXPECT(candidates > 0 && images > 0 && groups > 0);
    return Search(candidates, images, groups, loss).run();
}

}  // namespace aocq::quant
