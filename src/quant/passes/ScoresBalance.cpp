// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ScoresBalance.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "quant/Simulate.hpp"
#include "quant/passes/Extremes.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

// Attention is quadratic in tokens: a few images say enough.
constexpr std::int64_t most_images = 6, most_windows = 16;
constexpr std::array powers{0.0, 0.25, 0.5, 0.75, 1.0};

// [rows, H, N, D] -> [rows * N, H * D]
at::Tensor per_channel(const at::Tensor& x) {
    return x.transpose(1, 2).reshape({-1, x.size(1) * x.size(3)});
}

Quantizer fitted(const at::Tensor& x, SiteKind kind, const Quantizer& like) {
    Quantizer quantizer = like;
    const Site site{"operand", kind, 0, nn::Operand::first, ""};
    if (quantizer.scheme.granularity == Granularity::tensor) {
        const Range range = fit_range(x, like.scheme.bits, like.scheme.symmetry, 4096, 40);
        quantizer.grids = {
            grid_from_range(range.low, range.high, like.scheme.bits, like.scheme.symmetry)};
    } else {
        fit_quantizer(x.contiguous(), site, quantizer);
    }
    return quantizer;
}

at::Tensor rounded(const at::Tensor& x, SiteKind kind, const Quantizer& quantizer) {
    return fake_quantize(x, {"operand", kind, 0, nn::Operand::first, ""}, quantizer);
}

}  // namespace

std::vector<std::int64_t> attention_rows(const std::vector<std::int64_t>& images,
                                         std::int64_t windows, std::int64_t most,
                                         std::int64_t most_of_each) {
    std::vector<std::int64_t> rows;
    for (const std::int64_t image : thinned(images, most)) {
        for (const std::int64_t window : evenly_spaced(windows, most_of_each))
            rows.push_back(image * windows + window);
    }
    return rows;
}

ScoresSearch::ScoresSearch(const BalanceOptions& options, const ScoresTask& task)
    : options_(options), factor_(task.factor), query_(*task.query), key_(*task.key) {
    const std::int64_t all = task.token_weights.size(0);
    AOCQ_EXPECT(task.q.size(0) % all == 0);
    const auto of_images = [&](const at::Tensor& x) {
        const at::Tensor rows = per_channel(x);
        return ImageExtremes(rows.reshape({all, -1, rows.size(1)}));
    };
    const ImageExtremes queries = of_images(task.q), keys = of_images(task.k);
    const auto part = [&](const std::vector<std::int64_t>& seen,
                          const std::vector<std::int64_t>& measured) -> Part {
        return {extents_of(queries.of(seen), keys.of(seen)), take(task, seen),
                take(task, measured)};
    };
    extents_ = extents_of(queries.of_all(), keys.of_all());
    const auto [search, judge] = split_images(all);
    const auto [even, odd] = halves(search);
    search_ = {part(even, odd), part(odd, even)};
    judge_ = part(search, judge);
}

ScoresSearch::Extents ScoresSearch::extents_of(const Extremes& queries, const Extremes& keys) {
    return {(keys.low + keys.high) / 2, relative_extent((keys.high - keys.low) / 2),
            relative_extent(at::maximum(queries.low.abs(), queries.high.abs()))};
}

ScoresSearch::Sample ScoresSearch::take(const ScoresTask& task,
                                        const std::vector<std::int64_t>& images) const {
    const std::int64_t windows = task.q.size(0) / task.token_weights.size(0);
    const at::Tensor index =
        index_of(attention_rows(images, windows, most_images, most_windows), task.q.device());
    Sample s{task.q.index_select(0, index), task.k.index_select(0, index), {}, {}};
    s.probability = probability(s.q, s.k);
    s.weights = task.token_weights.reshape({task.q.size(0), -1})
                    .index_select(0, index)
                    .unsqueeze(1)
                    .unsqueeze(-1);
    return s;
}

// Without the position bias and the mask of a windowed attention, which no balance changes.
at::Tensor ScoresSearch::probability(const at::Tensor& q, const at::Tensor& k) const {
    return at::softmax(at::matmul(q, k.transpose(-2, -1)) * factor_, -1);
}

ScoresSearch::Candidate ScoresSearch::identity() const {
    return evaluate(0, 0, false);
}

// Every other power of both first, then the neighbours of the best.
ScoresSearch::Candidate ScoresSearch::best() const {
    Candidate best = identity();
    std::set<std::pair<std::size_t, std::size_t>> tried;
    std::pair<std::size_t, std::size_t> place{0, 0};
    const auto attempt = [&](std::size_t a, std::size_t c) {
        if (!tried.emplace(a, c).second) return;
        Candidate found = evaluate(powers[a], powers[c], true);
        if (!(found.error < best.error)) return;
        best = std::move(found);
        place = {a, c};
    };
    for (std::size_t a = 0; a < powers.size(); a += 2) {
        for (std::size_t c = 0; c < powers.size(); c += 2) attempt(a, c);
    }
    const auto [row, column] = place;
    for (std::size_t a = row - std::min<std::size_t>(row, 1); a < std::min(row + 2, powers.size());
         ++a) {
        for (std::size_t c = column - std::min<std::size_t>(column, 1);
             c < std::min(column + 2, powers.size()); ++c)
            attempt(a, c);
    }
    return best;
}

double ScoresSearch::judge(const Candidate& candidate) const {
    return error(judge_, candidate);
}

Balance ScoresSearch::balance_of(const Extents& extents, const Candidate& candidate) const {
    const at::Tensor scale =
        extents.query.pow(candidate.query_power) / extents.key.pow(candidate.key_power);
    return {normalized_scale(scale, options_.power_of_two),
            candidate.shifted ? extents.middle : at::zeros_like(extents.middle)};
}

ScoresSearch::Candidate ScoresSearch::evaluate(double query_power, double key_power,
                                               bool shifted) const {
    Candidate found{query_power, key_power, shifted, {}, 0};
    found.balance = balance_of(extents_, found);
    for (const Part& part : search_) found.error += error(part, found);
    return found;
}

double ScoresSearch::error(const Part& part, const Candidate& candidate) const {
    const Sample& s = part.measured;
    const Balance balance = balance_of(part.extents, candidate);
    const auto shape = [&](const at::Tensor& x) {  // [H * D] -> [1, H, 1, D]
        return x.view({1, s.q.size(1), 1, s.q.size(3)});
    };
    const auto balanced = [&](const Sample& sample) {
        return std::pair(sample.q / shape(balance.scale),
                         (sample.k - shape(balance.shift)) * shape(balance.scale));
    };
    const auto [seen_q, seen_k] = balanced(part.seen);
    const auto [q, k] = balanced(s);
    const Quantizer query = fitted(seen_q, SiteKind::attention_query, query_),
                    key = fitted(seen_k, SiteKind::attention_key, key_);
    const at::Tensor p = probability(rounded(q, SiteKind::attention_query, query),
                                     rounded(k, SiteKind::attention_key, key));
    return ((p - s.probability).square() * s.weights).sum(at::kDouble).item<double>();
}

}  // namespace aocq::quant
