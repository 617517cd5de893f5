// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ScoresBalance.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "quant/Simulate.hpp"
#include "quant/passes/LayerError.hpp"
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

at::Tensor rounded(const at::Tensor& x, SiteKind kind, const Quantizer& like) {
    Quantizer quantizer = like;
    const Site site{"operand", kind, 0, nn::Operand::first, ""};
    if (quantizer.scheme.granularity == Granularity::tensor) {
        const Range range = fit_range(x, like.scheme.bits, like.scheme.symmetry, 4096, 40);
        quantizer.grids = {
            grid_from_range(range.low, range.high, like.scheme.bits, like.scheme.symmetry)};
    } else {
        fit_quantizer(x.contiguous(), site, quantizer);
    }
    return fake_quantize(x, site, quantizer);
}

std::vector<std::int64_t> evenly_spaced(std::int64_t count, std::int64_t most) {
    std::vector<std::int64_t> places;
    const std::int64_t taken = std::min(count, most);
    for (std::int64_t i = 0; i < taken; ++i) places.push_back(i * count / taken);
    return places;
}

}  // namespace

std::vector<std::int64_t> attention_rows(const std::vector<std::int64_t>& images,
                                         std::int64_t windows, std::int64_t most,
                                         std::int64_t most_of_each) {
    std::vector<std::int64_t> rows;
    for (const std::int64_t i : evenly_spaced(static_cast<std::int64_t>(images.size()), most)) {
        for (const std::int64_t window : evenly_spaced(windows, most_of_each))
            rows.push_back(images[static_cast<std::size_t>(i)] * windows + window);
    }
    return rows;
}

ScoresSearch::ScoresSearch(const BalanceOptions& options, const ScoresTask& task)
    : options_(options), factor_(task.factor), query_(*task.query), key_(*task.key) {
    const auto [low, high] = at::aminmax(per_channel(task.k), 0);
    middle_ = (low + high) / 2;
    key_extent_ = relative_extent((high - low) / 2);
    query_extent_ = relative_extent(std::get<0>(per_channel(task.q).abs().max(0)));
    const Split split = split_images(task.token_weights.size(0));
    search_ = take(task, split.search);
    judge_ = take(task, split.judge);
}

ScoresSearch::Sample ScoresSearch::take(const ScoresTask& task,
                                        const std::vector<std::int64_t>& images) const {
    const std::int64_t all = task.token_weights.size(0);
    AOCQ_EXPECT(task.q.size(0) % all == 0);
    const std::vector<std::int64_t> rows =
        attention_rows(images, task.q.size(0) / all, most_images, most_windows);
    const at::Tensor index =
        at::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size())).to(task.q.device());
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
    return evaluate(0, 0, at::zeros_like(middle_));
}

// Every other power of both first, then the neighbours of the best.
ScoresSearch::Candidate ScoresSearch::best() const {
    Candidate best = identity();
    std::set<std::pair<std::size_t, std::size_t>> tried;
    std::pair<std::size_t, std::size_t> place{0, 0};
    const auto attempt = [&](std::size_t a, std::size_t c) {
        if (!tried.emplace(a, c).second) return;
        Candidate found = evaluate(powers[a], powers[c], middle_);
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
    return error(judge_, candidate.balance);
}

ScoresSearch::Candidate ScoresSearch::evaluate(double query_power, double key_power,
                                               const at::Tensor& shift) const {
    Candidate found{query_power, key_power, {}, 0};
    const at::Tensor scale = query_extent_.pow(query_power) / key_extent_.pow(key_power);
    found.balance = {normalized_scale(scale, options_.power_of_two), shift};
    found.error = error(search_, found.balance);
    return found;
}

double ScoresSearch::error(const Sample& s, const Balance& balance) const {
    const auto shape = [&](const at::Tensor& x) {  // [H * D] -> [1, H, 1, D]
        return x.view({1, s.q.size(1), 1, s.q.size(3)});
    };
    const at::Tensor q = s.q / shape(balance.scale);
    const at::Tensor k = (s.k - shape(balance.shift)) * shape(balance.scale);
    const at::Tensor p = probability(rounded(q, SiteKind::attention_query, query_),
                                     rounded(k, SiteKind::attention_key, key_));
    return ((p - s.probability).square() * s.weights).sum(at::kDouble).item<double>();
}

}  // namespace aocq::quant
