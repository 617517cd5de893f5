// SPDX-License-Identifier: Apache-2.0
// Searches the scale and shift of a layer's input channels: r^alpha of the channels' extents r,
// with or without centring, for the smallest token-weighted output error (METHODS 0.5, "Operator").
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <limits>
#include <optional>

#include "quant/Quantization.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/BalanceOptions.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {

// A value that is scaled and shifted with the layer's input: x [images, rows, C].
struct Companion {
    at::Tensor x;
    const Quantizer* quantizer;
    double share;  // of its squared error that reaches the layer's input
};

// Extremes of every channel, [C] each, over all rows.
struct Extremes {
    at::Tensor low, high;

    Extremes() = default;
    explicit Extremes(const at::Tensor& x) {
        const at::Tensor flat = x.reshape({-1, x.size(-1)});
        low = std::get<0>(flat.min(0));
        high = std::get<0>(flat.max(0));
    }
};

// One layer (or several with the same input) whose input is to be balanced.
class LayerSearch {
  public:
    LayerSearch(const BalanceOptions& options, const at::Tensor& x, const at::Tensor& weights,
                at::Tensor weight, const Quantizer* input, const Quantizer* rounded,
                const std::optional<Companion>& companion)
        : options_(options),
          weight_(std::move(weight)),
          extremes_(x),
          input_(input),
          rounded_(rounded) {
        const Split split = split_images(x.size(0));
        search_ = with_moments(pick_rows(x, weights, split.search, options.rows));
        judge_ = with_moments(pick_rows(x, weights, split.judge, options.rows));
        if (!companion) return;
        companion_ = companion->quantizer;
        companion_share_ = companion->share;
        companion_extremes_ = Extremes(companion->x);
        search_.companion = pick_rows(companion->x, weights, split.search, options.rows);
        judge_.companion = pick_rows(companion->x, weights, split.judge, options.rows);
    }

    struct Candidate {
        double alpha = 0;
        bool shifted = false;
        Balance balance;
        Range range, companion;
        double activation = 0, weight = 0;  // parts of the error on the searched rows
        double error() const { return activation + weight; }
    };

    Candidate identity() const { return evaluate(0.0, false); }

    Candidate best() const {
        Candidate best = identity();
        for (const bool shifted : {false, true}) {
            if (shifted && !options_.shift) continue;
            const Candidate found = best_exponent(shifted);
            if (found.error() < best.error()) best = found;
        }
        return best;
    }

    // The error on the images that the search did not see.
    double judge(const Candidate& candidate) const {
        const auto [activation, weight] = errors(judge_, candidate);
        return activation + weight;
    }

    // What the channels' extents alone foretell: step^2 times the sum of scale^2 |w|^2 (METHODS
    // 0.3, I9), for comparison with what was measured.
    double predicted(const Candidate& c) const {
        const double step = c.range.high - c.range.low;
        return step * step *
               (weight_.to(at::kDouble).square().sum(0) * c.balance.scale.to(at::kDouble).square())
                   .sum()
                   .item<double>();
    }

  private:
    // Every third exponent first, then the neighbours of the best.
    Candidate best_exponent(bool shifted) const {
        const auto& alphas = options_.alphas;
        constexpr std::size_t stride = 3;
        Candidate best;
        std::size_t place = 0;
        double least = std::numeric_limits<double>::infinity();
        const auto attempt = [&](std::size_t i) {
            Candidate found = evaluate(alphas[i], shifted);
            if (!(found.error() < least)) return;
            least = found.error();
            best = std::move(found);
            place = i;
        };
        for (std::size_t i = 0; i < alphas.size(); i += stride) attempt(i);
        const std::size_t middle = place;
        for (std::size_t step = 1; step < stride; ++step) {
            if (middle >= step) attempt(middle - step);
            if (middle + step < alphas.size()) attempt(middle + step);
        }
        return best;
    }

    // Rows with their weighted moments: sum of w, w x and w x x^T.
    struct Part : Rows {
        double weight = 0;
        at::Tensor sum, square;
        Rows companion = {};
    };

    static Part with_moments(Rows rows) {
        Part part{std::move(rows), 0, {}, {}, {}};
        part.weight = part.weights.sum(at::kDouble).item<double>();
        part.sum = (part.x * part.weights).sum(0, false, at::kDouble);
        part.square = at::mm((part.x * part.weights).t(), part.x).to(at::kDouble);
        return part;
    }

    Candidate evaluate(double alpha, bool shifted) const {
        Candidate c;
        c.alpha = alpha;
        c.shifted = shifted;
        const at::Tensor &low = extremes_.low, &high = extremes_.high;
        const at::Tensor shift = shifted ? (low + high) / 2 : at::zeros_like(low);
        const at::Tensor extent =
            relative_extent(at::maximum(high - shift, shift - low).clamp_min(0));
        c.balance = {normalized_scale(extent.pow(alpha), options_.power_of_two), shift};
        const LayerError error(weight_ * c.balance.scale);
        if (input_) c.range = best_range(search_, extremes_, *input_, c.balance, error);
        if (companion_) {
            c.companion =
                best_range(search_.companion, companion_extremes_, *companion_, c.balance, error);
        }
        std::tie(c.activation, c.weight) = errors(search_, c);
        return c;
    }

    // The whole range of the balanced values, shrunk while the output error falls: an outlier's
    // channel weighs more in the output the more it was scaled down.
    static Range best_range(const Rows& rows, const Extremes& extremes, const Quantizer& quantizer,
                            const Balance& balance, const LayerError& error) {
        if (quantizer.scheme.mode == Mode::dynamic) return {};
        const at::Tensor x = (rows.x - balance.shift) / balance.scale;
        const Range full{((extremes.low - balance.shift) / balance.scale).min().item<float>(),
                         ((extremes.high - balance.shift) / balance.scale).max().item<float>()};
        Range best = full;
        double least = std::numeric_limits<double>::infinity();
        for (const float factor : {1.0F, 0.85F, 0.7F, 0.55F, 0.4F, 0.3F, 0.2F, 0.1F}) {
            const Range range{full.low * factor, full.high * factor};
            const double found = error(rounding(x, quantizer, range), rows.weights);
            if (!(found < least)) break;
            least = found;
            best = range;
        }
        return best;
    }

    std::pair<double, double> errors(const Part& rows, const Candidate& c) const {
        const at::Tensor weight = weight_ * c.balance.scale;
        std::pair<double, double> found{0, 0};
        if (input_ || companion_) {
            const LayerError error(weight);
            const auto part = [&](const Rows& values, const Quantizer& like, Range range) {
                const at::Tensor x = (values.x - c.balance.shift) / c.balance.scale;
                return error(rounding(x, like, range), values.weights);
            };
            if (input_) found.first = part(rows, *input_, c.range);
            if (companion_)
                found.first += companion_share_ * part(rows.companion, *companion_, c.companion);
        }
        if (rounded_) {
            Quantizer quantizer = *rounded_;
            const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
            fit_weight_quantizer(weight, site, quantizer, 12);
            const at::Tensor difference = fake_quantize(weight, site, quantizer) - weight;
            const at::Tensor scaled =
                (difference / c.balance.scale).to(at::kDouble);  // on x - shift
            const at::Tensor shift = c.balance.shift.to(at::kDouble);
            // sum of w (x - m)(x - m)^T from the moments of x
            const at::Tensor cross = at::outer(rows.sum, shift);
            const at::Tensor moment =
                rows.square - cross - cross.t() + at::outer(shift, shift) * rows.weight;
            found.second = (at::mm(scaled, moment) * scaled).sum().item<double>();
        }
        return found;
    }

    // What rounding changes of values that are balanced already.
    static at::Tensor rounding(const at::Tensor& x, const Quantizer& like, Range range) {
        Quantizer quantizer = like;
        if (quantizer.scheme.mode == Mode::fixed) {
            // One grid for all: heads with grids of their own do no worse.
            quantizer.scheme.granularity = Granularity::tensor;
            quantizer.grids = {grid_from_range(range.low, range.high, quantizer.scheme.bits,
                                               quantizer.scheme.symmetry)};
        }
        return fake_quantize(x, {"input", SiteKind::linear_input, 0, nn::Operand::first, ""},
                             quantizer) -
               x;
    }

    const BalanceOptions& options_;
    at::Tensor weight_;
    Extremes extremes_, companion_extremes_;
    const Quantizer* input_;
    const Quantizer* rounded_;
    const Quantizer* companion_ = nullptr;
    double companion_share_ = 0;
    Part search_, judge_;
};

}  // namespace aocq::quant
