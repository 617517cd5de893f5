// SPDX-License-Identifier: Apache-2.0
// The quantized artefact: a QuantizedModel as a bundle and back (src/doc/file-format.md).
#pragma once

#include "quant/Quantization.hpp"
#include "store/Bundle.hpp"

namespace aocq::quant {

store::Bundle to_bundle(const QuantizedModel& model, Json provenance);
QuantizedModel quantized_from_bundle(const store::Bundle& bundle);

}  // namespace aocq::quant
