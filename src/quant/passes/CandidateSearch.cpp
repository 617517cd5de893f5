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

// Places of a list, the smallest score first.
std::vector<std::size_t> places_by(const std::vector<double>& score) {
    std::vector<std::size_t> order(score.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
    return order;
}

class Search {
  public:
    Search(std::size_t candidates, std::int64_t images, std::size_t groups,
           const CandidateLoss& loss)
        : images_(static_cast<std::size_t>(images)),
          groups_(groups),
          loss_(loss),
          sums_(candidates, std::vector<double>(groups, 0.0)),
          best_(groups, {0, infinite}) {}

    std::vector<BestCandidate> run() {
        const std::vector<std::size_t> order = first_candidate();
        for (std::size_t c = 1; c < sums_.size(); ++c) add(sums_[c], losses(c, order.front()));
        for (const std::size_t c : promising_first()) {
            bool complete = true;
            for (std::size_t i = 1; i < images_ && complete; ++i) {
                complete = may_win(c);
                if (complete) add(sums_[c], losses(c, order[i]));
            }
            if (complete) settle(c);
        }
        return best_;
    }

  private:
    std::vector<double> losses(std::size_t candidate, std::size_t image) const {
        std::vector<double> found(groups_, 0.0);
        loss_(candidate, static_cast<std::int64_t>(image), found);
        for (double& loss : found) {
            AOCQ_EXPECT(!(loss < 0));
            if (!std::isfinite(loss)) loss = infinite;
        }
        return found;
    }

    static void add(std::vector<double>& sums, const std::vector<double>& found) {
        for (std::size_t g = 0; g < sums.size(); ++g) sums[g] += found[g];
    }

    // Looks at all images with candidate 0; returns them in the order for the others. Its sums are
    // made in that order too, so that equal candidates have equal bits.
    std::vector<std::size_t> first_candidate() {
        std::vector<std::vector<double>> found;
        std::vector<double> whole(groups_, 0.0);
        for (std::size_t i = 0; i < images_; ++i) {
            found.push_back(losses(0, i));
            add(whole, found.back());
        }
        std::vector<double> score(images_, 0.0);
        for (std::size_t i = 0; i < images_; ++i) {
            for (std::size_t g = 0; g < groups_; ++g) {
                if (whole[g] > 0 && whole[g] < infinite) score[i] -= found[i][g] / whole[g];
            }
        }
        std::vector<std::size_t> order = places_by(score);
        for (const std::size_t i : order) add(sums_[0], found[i]);
        settle(0);
        return order;
    }

    // All but the first one, by the first image, relative to the best there in each group.
    std::vector<std::size_t> promising_first() const {
        std::vector<double> least(groups_, infinite), score(sums_.size() - 1, 0.0);
        for (std::size_t c = 1; c < sums_.size(); ++c) {
            for (std::size_t g = 0; g < groups_; ++g) least[g] = std::min(least[g], sums_[c][g]);
        }
        for (std::size_t c = 1; c < sums_.size(); ++c) {
            for (std::size_t g = 0; g < groups_; ++g)
                score[c - 1] +=
                    sums_[c][g] / std::max(least[g], std::numeric_limits<double>::min());
        }
        std::vector<std::size_t> order = places_by(score);
        for (std::size_t& c : order) ++c;
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

    std::size_t images_;
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
