// SPDX-License-Identifier: Apache-2.0
// How much every token counts in AOCQ's passes, and the keys that say so:
//   tokens = "gradient"   by the loss's gradient at the token, the norm to the power `token_power`:
//                         2 is label-free Fisher information, 1 the norm, 0 all tokens alike; or
//                         "class": the class token as much as all others together
//   token_power = 0.5     ("gradient")
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "core/Fields.hpp"
#include "quant/Pass.hpp"
#include "quant/Sensitivity.hpp"

namespace aocq::quant {

TokenWeightOptions read_token_weights(Fields& fields);
// Adds both keys to a pass's parameters.
void note_token_weights(const TokenWeightOptions& options, Json& parameters);

// Of a linear layer or a block by its name: [images, rows of an image] f32, mean one. Error(config)
// where the class token is to count and the model has none.
at::Tensor weights_of_tokens(const PassContext& context, const std::string& name,
                             const TokenWeightOptions& options);

}  // namespace aocq::quant
