// SPDX-License-Identifier: Apache-2.0
// Coordinate search for the range of one static quantizer: low end, high end, both together, by
// factors of what it has, coarse first and then fine (METHODS 0.5, "Framework").
#pragma once

#include <functional>
#include <vector>

#include "quant/Quantization.hpp"

namespace aocq::quant {

// The error with these grids; smaller is better.
using StepObjective = std::function<double(const Quantizer&)>;

struct StepResult {
    Quantizer quantizer;
    double before = 0, after = 0;
};

// Static uniform quantizers with one grid or several (heads), whose ranges then move together, and
// logarithmic ones, which have a scale only. A dynamic one comes back as it is.
StepResult search_step(const Quantizer& start, const StepObjective& objective, int rounds);

}  // namespace aocq::quant
