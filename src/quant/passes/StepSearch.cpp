// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepSearch.hpp"

#include <cmath>

namespace aocq::quant {
namespace {

// Factors of a round, near ones first.
struct Factors {
    std::vector<double> narrower, wider;
};
const Factors coarse{{0.88, 0.75, 0.6}, {1.15, 1.4}};
const Factors fine{{0.97, 0.93}, {1.03, 1.07}};

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
            if (is_twin(scheme.codec)) {
                q.grids[i].scale =
                    static_cast<float>(start_.grids[i].scale * (i == 0 ? low : high));
            } else if (is_log(scheme.codec)) {
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
        if (is_twin(start_.scheme.codec)) return false;
        if (is_log(start_.scheme.codec) || start_.scheme.symmetry == Symmetry::symmetric)
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
    const auto attempt = [&](double next_low, double next_high) {
        Quantizer candidate = ends.scaled(next_low, next_high);
        const double error = objective(candidate);
        if (!(error < result.after)) return false;
        result.after = error;
        result.quantizer = std::move(candidate);
        return true;
    };
    // The error falls to one minimum and rises again: on while it falls, then the other way.
    const auto follow = [&](const std::vector<double>& factors, bool move_low, bool move_high) {
        double best = 1;
        for (const double f : factors) {
            if (!attempt(move_low ? low * f : low, move_high ? high * f : high)) break;
            best = f;
        }
        if (move_low) low *= best;
        if (move_high) high *= best;
        return best != 1;
    };
    for (int round = 0; round < rounds; ++round) {
        const Factors& factors = round == 0 ? coarse : fine;
        const double before = result.after;
        const auto pass = [&](bool move_low, bool move_high) {
            if (!follow(factors.narrower, move_low, move_high))
                follow(factors.wider, move_low, move_high);
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
