// SPDX-License-Identifier: Apache-2.0
// The keys by which passes are told how to find a range.
#pragma once

#include "core/Fields.hpp"
#include "core/Json.hpp"
#include "quant/kernels/Observers.hpp"

namespace aocq::quant {

//   observer, percentile, ema_sigma, power, steps      as in Observers.hpp
ObserverOptions observer_from(Fields& fields, Observer fallback);

// Of observers for raw values: without the running average, which needs an order of images.
ObserverOptions raw_observer_from(Fields& fields, Observer fallback);

Json describe(const ObserverOptions& options);

}  // namespace aocq::quant
