// SPDX-License-Identifier: Apache-2.0
// Steps of a stage that do not read each other's work may run at the same time, each from the same
// start; this puts together what they made.
#pragma once

#include <vector>

#include "quant/Quantization.hpp"

namespace aocq::quant {

// `start` with everything that the parts changed of it, in their order: the same model as if the
// steps had run one after the other. Two parts that changed the same thing are a defect of the pass
// that called itself independent (Error::internal).
QuantizedModel join_parts(const QuantizedModel& start, const std::vector<QuantizedModel>& parts);

}  // namespace aocq::quant
