// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/EnumTable.hpp"

namespace aocq::quant {

// hessian  sum of (g (O - O^))^2 with the gradient g of the loss at the output (PTQ4ViT)
// mse      the same with g = 1
// cosine   1 - cosine of O and O^ of an image (EasyQuant)
// pearson  1 - correlation of O and O^ of an image (Liu 2021)
enum class SearchObjective { hessian, mse, cosine, pearson };
inline constexpr EnumTable<SearchObjective, 4> search_objectives{
    {{{SearchObjective::hessian, "hessian"},
      {SearchObjective::mse, "mse"},
      {SearchObjective::cosine, "cosine"},
      {SearchObjective::pearson, "pearson"}}}};

struct RankOptions {
    double weight = 0.0;  // of the ranking loss in the objective of attention scores
    double margin = 0.2;
    std::int64_t rows = 16;  // of each head's map, evenly spaced
};

// Where the gradients of the hessian objective come from.
enum class GradientSource {
    sampled,   // labels drawn from the prediction (label-free Fisher information)
    released,  // KL divergence where prediction and target are equal: rounding noise, as released
};

struct ScaleSearchOptions {
    SearchObjective objective = SearchObjective::hessian;
    std::int64_t candidates = 100;
    double from = 0.5, to = 1.2;
    int rounds = 3;
    std::int64_t tokens = 0;
    int draws = 1;
    GradientSource gradients = GradientSource::sampled;
    bool bias_correction = false;
    RankOptions rank;

    // Equally spaced, both ends included.
    std::vector<double> factors() const {
        std::vector<double> all;
        for (std::int64_t i = 0; i < candidates; ++i)
            all.push_back(from + (to - from) * static_cast<double>(i) /
                                     static_cast<double>(candidates - 1));
        return all;
    }
};

}  // namespace aocq::quant
