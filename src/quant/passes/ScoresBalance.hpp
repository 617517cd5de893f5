// SPDX-License-Identifier: Apache-2.0
// Searches how query and key channels are scaled against each other, for the smallest error of the
// attention's probabilities (METHODS 0.5, "Operator").
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quant/Quantization.hpp"
#include "quant/Simulate.hpp"
#include "quant/passes/BalanceOptions.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {

// Query and key of one attention.
class ScoresSearch {
  public:
    // q, k [images, H, N, D] f32; weights [images, N]
    ScoresSearch(const BalanceOptions& options, const at::Tensor& q, const at::Tensor& k,
                 const at::Tensor& weights, double factor, const Quantizer& query,
                 const Quantizer& key)
        : options_(options), factor_(factor), query_(query), key_(key) {
        const auto per_channel = [](const at::Tensor& x) {
            return x.transpose(1, 2).reshape({-1, x.size(1) * x.size(3)});
        };
        const at::Tensor keys = per_channel(k);
        const at::Tensor low = std::get<0>(keys.min(0)), high = std::get<0>(keys.max(0));
        middle_ = (low + high) / 2;
        key_extent_ = relative_extent((high - low) / 2);
        query_extent_ = relative_extent(std::get<0>(per_channel(q).abs().max(0)));
        const Split split = split_images(q.size(0));
        search_ = take(q, k, weights, split.search);
        judge_ = take(q, k, weights, split.judge);
    }

    struct Candidate {
        double query_power = 0, key_power = 0;
        Balance balance;
        double error = 0;
    };

    Candidate identity() const { return evaluate(0, 0, at::zeros_like(middle_)); }

    Candidate best() const {
        Candidate best = identity();
        const std::vector<double> powers{0.0, 0.25, 0.5, 0.75, 1.0};
        for (const double a : powers) {
            for (const double c : powers) {
                Candidate found = evaluate(a, c, middle_);
                if (found.error < best.error) best = std::move(found);
            }
        }
        return best;
    }

    double judge(const Candidate& candidate) const { return error(judge_, candidate.balance); }

  private:
    struct Sample {
        at::Tensor q, k, probability, weights;
    };

    // At most six images, evenly spaced: attention is quadratic in tokens.
    Sample take(const at::Tensor& q, const at::Tensor& k, const at::Tensor& weights,
                const std::vector<std::int64_t>& images) const {
        constexpr std::size_t most = 6;
        std::vector<std::int64_t> chosen;
        for (std::size_t i = 0; i < std::min(most, images.size()); ++i)
            chosen.push_back(images[i * images.size() / std::min(most, images.size())]);
        const at::Tensor index =
            at::tensor(at::ArrayRef<std::int64_t>(chosen.data(), chosen.size()));
        Sample s{q.index_select(0, index), k.index_select(0, index), {}, {}};
        s.probability = probability(s.q, s.k);
        s.weights = weights.index_select(0, index).unsqueeze(1).unsqueeze(-1);  // [n, 1, N, 1]
        return s;
    }

    at::Tensor probability(const at::Tensor& q, const at::Tensor& k) const {
        return at::softmax(at::matmul(q, k.transpose(-2, -1)) * factor_, -1);
    }

    Candidate evaluate(double a, double c, const at::Tensor& shift) const {
        Candidate found{a, c, {}, 0};
        const at::Tensor scale = query_extent_.pow(a) / key_extent_.pow(c);
        found.balance = {normalized_scale(scale, options_.power_of_two), shift};
        found.error = error(search_, found.balance);
        return found;
    }

    double error(const Sample& s, const Balance& balance) const {
        const auto shape = [&](const at::Tensor& x) {  // [H * D] -> [1, H, 1, D]
            return x.view({1, s.q.size(1), 1, s.q.size(3)});
        };
        const at::Tensor q = s.q / shape(balance.scale);
        const at::Tensor k = (s.k - shape(balance.shift)) * shape(balance.scale);
        const at::Tensor p = probability(rounded(q, SiteKind::attention_query, query_),
                                         rounded(k, SiteKind::attention_key, key_));
        return ((p - s.probability).square() * s.weights).sum(at::kDouble).item<double>();
    }

    static at::Tensor rounded(const at::Tensor& x, SiteKind kind, const Quantizer& like) {
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

    const BalanceOptions& options_;
    double factor_;
    const Quantizer& query_;
    const Quantizer& key_;
    at::Tensor middle_, key_extent_, query_extent_;
    Sample search_, judge_;
};

}  // namespace aocq::quant
