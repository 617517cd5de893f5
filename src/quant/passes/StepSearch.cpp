// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepSearch.hpp"

#include <cmath>

namespace aocq::quant {
namespace {

const std::vector<double> coarse{0.6, 0.75, 0.88, 1.15, 1.4};
const std::vector<double> fine{0.93, 0.97, 1.03, 1.07};

// Ends of a quantizer's ranges scaled by factors, from where the search began.
class Ends {
  public:
    explicit Ends(const Quantizer& start) : start_(start) {
        for (const Grid& grid : start.grids) ranges_.push_back(range_of(grid, start.scheme.bits));
    }

    Quantizer scaled(double low, double high) const {
        Quantizer q = start_;
        const SiteScheme& scheme = q.scheme;
        for (std::size_t i = 0; i < q.grids.size(); ++i) {
            if (scheme.codec != Codec::uniform) {
                q.grids[i].scale = static_cast<float>(start_.grids[i].scale * high);
            } else {
                q.grids[i] = grid_from_range(static_cast<float>(ranges_[i].low * low),
                                             static_cast<float>(ranges_[i].high * high),
                                             scheme.bits, scheme.symmetry);
            }
        }
        return q;
    }

    bool one_sided() const {
        if (start_.scheme.codec != Codec::uniform || start_.scheme.symmetry == Symmetry::symmetric)
            return true;
        for (const Range& range : ranges_) {
            if (range.low < 0.0F && range.high > 0.0F) return false;
        }
        return true;
    }

  private:
    Quantizer start_;
    std::vector<Range> ranges_;
};

}  // namespace

StepResult search_step(const Quantizer& start, const StepObjective& objective, int rounds) {
    StepResult result{start, 0, 0};
    if (start.scheme.mode == Mode::dynamic) return result;
    const Ends ends(start);
    double low = 1, high = 1;
    result.before = result.after = objective(start);
    const auto attempt = [&](double next_low, double next_high, double& best_low,
                             double& best_high) {
        const Quantizer candidate = ends.scaled(next_low, next_high);
        const double error = objective(candidate);
        if (!(error < result.after)) return;
        result.after = error;
        result.quantizer = candidate;
        best_low = next_low;
        best_high = next_high;
    };
    for (int round = 0; round < rounds; ++round) {
        const auto& factors = round == 0 ? coarse : fine;
        const double before = result.after;
        const auto pass = [&](bool move_low, bool move_high) {
            double best_low = low, best_high = high;
            for (const double f : factors)
                attempt(move_low ? low * f : low, move_high ? high * f : high, best_low, best_high);
            low = best_low;
            high = best_high;
        };
        pass(true, true);
        if (!ends.one_sided()) {
            pass(true, false);
            pass(false, true);
        }
        if (round > 0 && result.after == before) break;
    }
    return result;
}

}  // namespace aocq::quant
