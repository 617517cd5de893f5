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

// The whole range of the balanced values and how far it is widened or shrunk: an outlier's channel
// weighs more in the output the more it was scaled down.
constexpr std::array range_factors{1.4F, 1.2F, 1.0F, 0.85F, 0.7F, 0.55F, 0.4F, 0.3F, 0.2F, 0.1F};
constexpr std::size_t first_factor = 2;
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

Range scaled(Range range, std::size_t place) {
    return {range.low * range_factors[place], range.high * range_factors[place]};
}

}  // namespace

float LayerSearch::range_factor(std::size_t place) {
    return range_factors[place];
}

LayerSearch::LayerSearch(const BalanceOptions& options, LayerTask task)
    : options_(options),
      task_(std::move(task)),
      layer_(task_.weight),
      column_norms_(task_.weight.to(at::kDouble).square().sum(0)) {
    make_parts();
    if (!task_.rounded) return;
    search_moments_ = moments_of({&search_[0], &search_[1]});
    judge_moments_ = moments_of({&judge_});
}

void LayerSearch::make_parts() {
    const auto [search, judge] = split_images(task_.x.size(0));
    const auto [even, odd] = halves(search);
    search_ = {make_part(odd, options_.rows / 2), make_part(even, options_.rows / 2)};
    judge_ = make_part(judge, options_.rows);

    const ImageExtremes inputs(task_.x);
    search_[0].extremes = inputs.of(even);
    search_[1].extremes = inputs.of(odd);
    judge_.extremes = extremes_ = inputs.of(search);
    if (!task_.companion) return;
    const ImageExtremes companions(task_.companion->x);
    search_[0].companion_extremes = companions.of(even);
    search_[1].companion_extremes = companions.of(odd);
    judge_.companion_extremes = companion_extremes_ = companions.of(search);
}

LayerSearch::Part LayerSearch::make_part(const std::vector<std::int64_t>& measured,
                                         std::int64_t rows) const {
    Part part;
    part.rows = pick_rows(task_.x, task_.token_weights, measured, rows);
    part.root = part.rows.weights.sqrt().flatten().contiguous();
    if (!task_.companion) return part;
    part.companion = pick_rows(task_.companion->x, task_.token_weights, measured, rows);
    part.companion_root = part.companion.weights.sqrt().flatten().contiguous();
    return part;
}

LayerSearch::Moments LayerSearch::moments_of(const std::vector<const Part*>& parts) const {
    const auto options = extremes_.low.options().dtype(at::kDouble);
    const std::int64_t channels = extremes_.low.size(0);
    at::Tensor sum = at::zeros({channels}, options);
    at::Tensor square = at::zeros({channels, channels}, options);
    double total = 0;
    for (const Part* part : parts) {
        const Rows& rows = part->rows;
        const at::Tensor weighted = rows.x * rows.weights;
        sum += weighted.sum(0, false, at::kDouble);
        square += at::mm(weighted.t(), rows.x).to(at::kDouble);
        total += rows.weights.sum(at::kDouble).item<double>();
    }
    const at::Tensor shift = ((extremes_.low + extremes_.high) / 2).to(at::kDouble);
    const at::Tensor cross = at::outer(sum, shift);
    const at::Tensor moved = square - cross - cross.t() + at::outer(shift, shift) * total;
    return {square.to(at::kFloat), moved.to(at::kFloat)};
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

Balance LayerSearch::balance_of(const Extremes& extremes, double alpha, bool shifted,
                                const at::Tensor& log_factor) const {
    const at::Tensor &low = extremes.low, &high = extremes.high;
    const at::Tensor shift = shifted ? (low + high) / 2 : at::zeros_like(low);
    const at::Tensor extent = relative_extent(at::maximum(high - shift, shift - low).clamp_min(0));
    const at::Tensor power = extent.pow(alpha);
    const at::Tensor scale = log_factor.defined() ? power * log_factor.exp() : power;
    return {normalized_scale(scale, options_.power_of_two), shift};
}

LayerSearch::Candidate LayerSearch::evaluate(double alpha, bool shifted, const Candidate* near,
                                             const at::Tensor& log_factor) const {
    Candidate c;
    c.alpha = alpha;
    c.shifted = shifted;
    c.log_factor = log_factor;
    c.balance = balance_of(extremes_, alpha, shifted, log_factor);
    std::vector<Balance> balances;
    for (const Part& part : search_)
        balances.push_back(balance_of(part.extremes, alpha, shifted, log_factor));
    if (task_.input) {
        const Found found = best_range(Which::input, balances, near ? near->shrunk : first_factor);
        c.shrunk = found.place;
        c.range = scaled(extremes_.balanced(c.balance), found.place);
        c.activation = found.error;
    }
    if (task_.companion) {
        const Found found =
            best_range(Which::companion, balances, near ? near->companion_shrunk : first_factor);
        c.companion_shrunk = found.place;
        c.companion = scaled(companion_extremes_.balanced(c.balance), found.place);
        c.activation += task_.companion->share * found.error;
    }
    c.weight = weight_error(search_moments_, c);
    return c;
}

LayerSearch::Found LayerSearch::best_range(Which which, const std::vector<Balance>& balances,
                                           std::size_t start) const {
    const auto attempt = [&](std::size_t place) -> Found {
        double error = 0;
        for (std::size_t i = 0; i < search_.size(); ++i)
            error += activation_error(search_[i], which, balances[i], place);
        return {place, error};
    };
    Found best = attempt(start);
    const Quantizer& like = which == Which::input ? *task_.input : *task_.companion->quantizer;
    if (like.scheme.mode == Mode::dynamic) return best;
    // The error falls to one minimum and rises again: wider while that helps, else narrower.
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

double LayerSearch::activation_error(const Part& part, Which which, const Balance& balance,
                                     std::size_t place) const {
    const bool input = which == Which::input;
    const Extremes& extremes = input ? part.extremes : part.companion_extremes;
    const Quantizer& like = input ? *task_.input : *task_.companion->quantizer;
    const Rows& rows = input ? part.rows : part.companion;
    const at::Tensor& root = input ? part.root : part.companion_root;
    const Range range = scaled(extremes.balanced(balance), place);
    // The layer's weight is for x, so the error is seen there and the weight stays as it is.
    return layer_.of_weighted(rounding_error(rows.x, root, balance, on_range(like, range)), root);
}

double LayerSearch::weight_error(const Moments& moments, const Candidate& candidate) const {
    if (!task_.rounded) return 0;
    const Balance& balance = candidate.balance;
    const at::Tensor weight = task_.weight * balance.scale;
    Quantizer quantizer = *task_.rounded;
    const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
    fit_weight_quantizer(weight, site, quantizer, weight_steps);
    const at::Tensor difference = (fake_quantize(weight, site, quantizer) - weight) / balance.scale;
    const at::Tensor& moment = candidate.shifted ? moments.shifted : moments.plain;
    return (at::mm(difference, moment) * difference).sum(at::kDouble).item<double>();
}

LayerSearch::Judged LayerSearch::judge(const Candidate& candidate) const {
    const Balance balance =
        balance_of(judge_.extremes, candidate.alpha, candidate.shifted, candidate.log_factor);
    Judged judged;
    if (task_.input)
        judged.activation = activation_error(judge_, Which::input, balance, candidate.shrunk);
    if (task_.companion) {
        judged.activation +=
            task_.companion->share *
            activation_error(judge_, Which::companion, balance, candidate.companion_shrunk);
    }
    judged.weight = weight_error(judge_moments_, candidate);
    return judged;
}

double LayerSearch::predicted(const Candidate& candidate) const {
    const Range range = extremes_.balanced(candidate.balance);
    const double width = std::max(range.high, 0.0F) - std::min(range.low, 0.0F);
    const at::Tensor scale = candidate.balance.scale.to(at::kDouble);
    return width * width * (column_norms_ * scale.square()).sum().item<double>();
}

}  // namespace aocq::quant
