// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerBalance.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "quant/Simulate.hpp"
#include "quant/passes/Ranges.hpp"
#include "quant/passes/RoundingError.hpp"

namespace aocq::quant {
namespace {

// The whole range of the balanced values and how far it is shrunk: an outlier's channel weighs more
// in the output the more it was scaled down.
constexpr std::array range_factors{1.0F, 0.85F, 0.7F, 0.55F, 0.4F, 0.3F, 0.2F, 0.1F};
// Of a weight's grid while candidates are compared; the chosen one gets a finer search.
constexpr int weight_steps = 12;

// One grid for all: heads with grids of their own do no worse.
Quantizer on_range(const Quantizer& like, Range range) {
    Quantizer quantizer = like;
    if (quantizer.scheme.mode == Mode::dynamic) return quantizer;
    quantizer.scheme.granularity = Granularity::tensor;
    quantizer.grids = {
        grid_from_range(range.low, range.high, quantizer.scheme.bits, quantizer.scheme.symmetry)};
    return quantizer;
}

}  // namespace

Extremes::Extremes(const at::Tensor& x) {
    const at::Tensor flat = x.reshape({-1, x.size(-1)});
    std::tie(low, high) = at::aminmax(flat, 0);
}

Range Extremes::balanced(const Balance& balance) const {
    return {((low - balance.shift) / balance.scale).min().item<float>(),
            ((high - balance.shift) / balance.scale).max().item<float>()};
}

LayerSearch::LayerSearch(const BalanceOptions& options, LayerTask task)
    : options_(options),
      task_(std::move(task)),
      extremes_(task_.x),
      middle_((extremes_.low + extremes_.high) / 2),
      layer_(task_.weight),
      column_norms_(task_.weight.to(at::kDouble).square().sum(0)) {
    if (task_.companion) companion_extremes_ = Extremes(task_.companion->x);
    const Split split = split_images(task_.x.size(0));
    search_ = make_part(split.search);
    judge_ = make_part(split.judge);
}

LayerSearch::Part LayerSearch::make_part(const std::vector<std::int64_t>& images) const {
    Part part;
    part.rows = pick_rows(task_.x, task_.token_weights, images, options_.rows);
    part.root = part.rows.weights.sqrt().flatten().contiguous();
    if (task_.companion) {
        part.companion = pick_rows(task_.companion->x, task_.token_weights, images, options_.rows);
        part.companion_root = part.companion.weights.sqrt().flatten().contiguous();
    }
    if (!task_.rounded) return part;
    const at::Tensor weighted = part.rows.x * part.rows.weights;
    const at::Tensor sum = weighted.sum(0, false, at::kDouble);
    const at::Tensor square = at::mm(weighted.t(), part.rows.x).to(at::kDouble);
    const double total = part.rows.weights.sum(at::kDouble).item<double>();
    const at::Tensor shift = middle_.to(at::kDouble), cross = at::outer(sum, shift);
    part.moment = square.to(at::kFloat);
    part.shifted_moment =
        (square - cross - cross.t() + at::outer(shift, shift) * total).to(at::kFloat);
    return part;
}

LayerSearch::Candidate LayerSearch::identity() const {
    return evaluate(0.0, false, nullptr);
}

LayerSearch::Candidate LayerSearch::best(const Candidate& unchanged) const {
    Candidate best = unchanged;
    for (const bool shifted : {false, true}) {
        if (shifted && !(options_.shift && task_.may_shift)) continue;
        Candidate found = best_exponent(shifted, unchanged);
        if (found.error() < best.error()) best = std::move(found);
    }
    return best;
}

// Every third exponent first, then the neighbours of the best.
LayerSearch::Candidate LayerSearch::best_exponent(bool shifted, const Candidate& identity) const {
    const auto& alphas = options_.alphas;
    constexpr std::size_t stride = 3;
    Candidate best, last = identity;
    std::size_t place = 0;
    double least = std::numeric_limits<double>::infinity();
    const auto attempt = [&](std::size_t i) {
        last = evaluate(alphas[i], shifted, &last);
        if (!(last.error() < least)) return;
        least = last.error();
        best = last;
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

LayerSearch::Candidate LayerSearch::evaluate(double alpha, bool shifted,
                                             const Candidate* near) const {
    Candidate c;
    c.alpha = alpha;
    c.shifted = shifted;
    const at::Tensor &low = extremes_.low, &high = extremes_.high;
    const at::Tensor shift = shifted ? middle_ : at::zeros_like(low);
    const at::Tensor extent = relative_extent(at::maximum(high - shift, shift - low).clamp_min(0));
    c.balance = {normalized_scale(extent.pow(alpha), options_.power_of_two), shift};
    if (task_.input) {
        const Found found = best_range(search_.rows, search_.root, extremes_, *task_.input,
                                       c.balance, near ? near->shrunk : 0);
        c.range = found.range;
        c.shrunk = found.place;
        c.activation = found.error;
    }
    if (task_.companion) {
        const Found found =
            best_range(search_.companion, search_.companion_root, companion_extremes_,
                       *task_.companion->quantizer, c.balance, near ? near->companion_shrunk : 0);
        c.companion = found.range;
        c.companion_shrunk = found.place;
        c.activation += task_.companion->share * found.error;
    }
    c.weight = weight_error(search_, c);
    return c;
}

LayerSearch::Found LayerSearch::best_range(const Rows& rows, const at::Tensor& root,
                                           const Extremes& extremes, const Quantizer& quantizer,
                                           const Balance& balance, std::size_t start) const {
    if (quantizer.scheme.mode == Mode::dynamic)
        return {{}, 0, activation_error(rows, root, quantizer, balance, {})};
    const Range full = extremes.balanced(balance);
    const auto attempt = [&](std::size_t place) -> Found {
        const Range range{full.low * range_factors[place], full.high * range_factors[place]};
        return {range, place, activation_error(rows, root, quantizer, balance, range)};
    };
    // The error falls to one minimum and rises again: wider while that helps, else narrower.
    Found best = attempt(start);
    const auto better = [&](Found found) {
        if (!(found.error < best.error)) return false;
        best = found;
        return true;
    };
    while (best.place > 0 && better(attempt(best.place - 1))) {
    }
    if (best.place < start) return best;
    while (best.place + 1 < range_factors.size() && better(attempt(best.place + 1))) {
    }
    return best;
}

double LayerSearch::activation_error(const Rows& rows, const at::Tensor& root,
                                     const Quantizer& like, const Balance& balance,
                                     Range range) const {
    // The layer's weight is for x, so the error is seen there and the weight stays as it is.
    return layer_.of_weighted(rounding_error(rows.x, root, balance, on_range(like, range)), root);
}

double LayerSearch::weight_error(const Part& part, const Candidate& candidate) const {
    if (!task_.rounded) return 0;
    const Balance& balance = candidate.balance;
    const at::Tensor weight = task_.weight * balance.scale;
    Quantizer quantizer = *task_.rounded;
    const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
    fit_weight_quantizer(weight, site, quantizer, weight_steps);
    const at::Tensor difference = (fake_quantize(weight, site, quantizer) - weight) / balance.scale;
    const at::Tensor& moment = candidate.shifted ? part.shifted_moment : part.moment;
    return (at::mm(difference, moment) * difference).sum(at::kDouble).item<double>();
}

LayerSearch::Judged LayerSearch::judge(const Candidate& candidate) const {
    Judged judged;
    if (task_.input) {
        judged.activation = activation_error(judge_.rows, judge_.root, *task_.input,
                                             candidate.balance, candidate.range);
    }
    if (task_.companion) {
        judged.activation +=
            task_.companion->share * activation_error(judge_.companion, judge_.companion_root,
                                                      *task_.companion->quantizer,
                                                      candidate.balance, candidate.companion);
    }
    judged.weight = weight_error(judge_, candidate);
    return judged;
}

double LayerSearch::predicted(const Candidate& candidate) const {
    const Range range = extremes_.balanced(candidate.balance);
    const double width = std::max(range.high, 0.0F) - std::min(range.low, 0.0F);
    const at::Tensor scale = candidate.balance.scale.to(at::kDouble);
    return width * width * (column_norms_ * scale.square()).sum().item<double>();
}

}  // namespace aocq::quant
