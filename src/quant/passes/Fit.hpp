// SPDX-License-Identifier: Apache-2.0
// The pass "fit": grids from statistics (activations) and from the weights themselves, by an
// observer (METHODS §2).
//   [method.fit]
//   observer = "minmax" | "ema" | "percentile" | "mse" | "omse" | "candidates"
//   weight_observer = ...   (default: the same; minmax where it is ema, which has no meaning for
//   weights) percentile, ema_sigma, power, steps: parameters of the observers
//   skip = ["residual"]   kinds of sites (patterns) that another pass fits; none by default
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_fit(Fields fields, Form form);

}  // namespace aocq::quant
