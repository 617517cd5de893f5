// SPDX-License-Identifier: Apache-2.0
// The pass "bias_correction": the mean error that quantization makes at each output of a linear
// layer goes into its bias, b += E[O - O^] (METHODS 3.3, 4.11); a layer without a bias gets one.
// After it the mean output of every layer is the float one's on the calibration images.
//   [method.bias_correction]
//   inputs = "prefix"   O^ on what the quantized prefix makes, so errors before a layer count too;
//                       "float": on the float input, every layer on its own
// It works on whole blocks; what follows a block belongs to it.
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_bias_correction(Fields fields, Form form);

}  // namespace aocq::quant
