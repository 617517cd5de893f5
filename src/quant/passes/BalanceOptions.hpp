// SPDX-License-Identifier: Apache-2.0
// What channel_balance may be told, and the scales that its searches try.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "quant/Sensitivity.hpp"
#include "quant/passes/BalanceSites.hpp"

namespace aocq::quant {

struct BalanceOptions {
    std::vector<BalanceKind> sites;
    std::vector<double> alphas;
    bool shift = true;
    bool power_of_two = false;
    double margin = 0.02;
    std::int64_t rows = 1024;
    int refinements = 0;
    double refinement_rate = 0.02;
    std::int64_t judges = 0;
    TokenWeightOptions tokens;
};

// Scales with geometric mean one, on powers of two if wanted. [C] f32
at::Tensor normalized_scale(const at::Tensor& scale, bool power_of_two);

// Extents of channels relative to their median, no smaller than 2 % of it. [C] f32
at::Tensor relative_extent(const at::Tensor& extent);

}  // namespace aocq::quant
