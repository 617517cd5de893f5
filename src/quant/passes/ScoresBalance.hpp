// SPDX-License-Identifier: Apache-2.0
// Searches how query and key channels are scaled against each other, for the smallest error of the
// attention's probabilities (METHODS 0.5, "Operator").
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "quant/Quantization.hpp"
#include "quant/passes/BalanceOptions.hpp"
#include "quant/passes/Extremes.hpp"

namespace aocq::quant {

// Operands of one attention product. Windows of an image lie one after another.
struct ScoresTask {
    at::Tensor q, k;           // [images * windows, H, N, D] f32
    at::Tensor token_weights;  // [images, windows * N]
    double factor = 1;         // of the product
    const Quantizer* query = nullptr;
    const Quantizer* key = nullptr;
};

// Rows of the leading axis of q and k that a search looks at: at most `most_images` of the given
// images, evenly spaced, and of each at most `most_windows` windows, evenly spaced too. An image
// belongs to the search or to its judge as a whole.
std::vector<std::int64_t> attention_rows(const std::vector<std::int64_t>& images,
                                         std::int64_t windows, std::int64_t most_images,
                                         std::int64_t most_windows);

class ScoresSearch {
  public:
    // `options` and the quantizers must outlive the search.
    ScoresSearch(const BalanceOptions& options, const ScoresTask& task);

    struct Candidate {
        double query_power = 0, key_power = 0;
        bool shifted = false;
        Balance balance;
        double error = 0;
    };

    Candidate identity() const;
    Candidate best() const;
    // The error on the images that the search did not see.
    double judge(const Candidate& candidate) const;

  private:
    struct Sample {
        at::Tensor q, k, probability, weights;  // weights [rows, 1, N, 1]
    };
    struct Extents {
        at::Tensor middle, key, query;  // [H * D]
    };
    // Images that show the extents and give the ranges, and others that measure the error.
    struct Part {
        Extents extents;
        Sample seen, measured;
    };

    Sample take(const ScoresTask& task, const std::vector<std::int64_t>& images) const;
    static Extents extents_of(const Extremes& queries, const Extremes& keys);
    at::Tensor probability(const at::Tensor& q, const at::Tensor& k) const;
    Balance balance_of(const Extents& extents, const Candidate& candidate) const;
    Candidate evaluate(double query_power, double key_power, bool shifted) const;
    double error(const Part& part, const Candidate& candidate) const;

    const BalanceOptions& options_;
    double factor_;
    const Quantizer& query_;
    const Quantizer& key_;
    Extents extents_;  // of all images
    std::vector<Part> search_;
    Part judge_;
};

}  // namespace aocq::quant
