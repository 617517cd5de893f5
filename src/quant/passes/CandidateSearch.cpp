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
    Search(std::size_t candidates, std::int64_t images, std::size_t groups, double margin,
           const CandidateLoss& loss)
        : images_(images),
          groups_(groups),
          margin_(margin),
          loss_(loss),
          sums_(candidates, std::vector<double>(groups, 0.0)),
          best_(groups, {0, infinite}),
          best_so_far_(static_cast<std::size_t>(images), std::vector<double>(groups, infinite)) {}

    std::vector<BestCandidate> run() {
        for (std::size_t c = 0; c < sums_.size(); ++c) add(c, 0);
        std::vector<std::vector<double>> so_far(best_so_far_.size());
        for (const std::size_t c : promising_first()) {
            so_far.front() = sums_[c];
            bool complete = true;
            for (std::int64_t image = 1; image < images_ && complete; ++image) {
                complete = may_win(c, image);
                if (complete) add(c, image);
                so_far[static_cast<std::size_t>(image)] = sums_[c];
            }
            if (complete) settle(c, so_far);
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

    // After `seen` images.
    bool may_win(std::size_t candidate, std::int64_t seen) const {
        const std::vector<double>& best = best_so_far_[static_cast<std::size_t>(seen - 1)];
        const bool race = margin_ > 0 && candidate != 0 && seen >= least_images;
        for (std::size_t g = 0; g < groups_; ++g) {
            const double lost = sums_[candidate][g];
            const bool behind = race && lost > best[g] * (1 + margin_);
            if (lost <= best_[g].loss && !behind) return true;
        }
        return false;
    }

    // `so_far`: the candidate's sums after each image.
    void settle(std::size_t candidate, const std::vector<std::vector<double>>& so_far) {
        for (std::size_t g = 0; g < groups_; ++g) {
            const double loss = sums_[candidate][g];
            BestCandidate& best = best_[g];
            const bool better = loss < best.loss || (loss == best.loss && candidate < best.index);
            if (!better) continue;
            best = {candidate, loss};
            for (std::size_t i = 0; i < so_far.size(); ++i) best_so_far_[i][g] = so_far[i][g];
        }
    }

    std::int64_t images_;
    std::size_t groups_;
    double margin_;
    const CandidateLoss& loss_;
    std::vector<std::vector<double>> sums_;
    std::vector<BestCandidate> best_;
    std::vector<std::vector<double>> best_so_far_;  // [images][groups]: its sums after each image
};

}  // namespace

std::vector<BestCandidate> search_candidates(std::size_t candidates, std::int64_t images,
                                             std::size_t groups, double margin,
                                             const CandidateLoss& loss) {
    AOCQ_EXPECT(candidates > 0 && images > 0 && groups > 0 && margin >= 0);
    return Search(candidates, images, groups, margin, loss).run();
}

}  // namespace aocq::quant
