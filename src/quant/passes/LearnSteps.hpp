// SPDX-License-Identifier: Apache-2.0
// Steps learned by gradients (METHODS 0.4(B)): Adam with a fixed schedule on calibration images,
// without labels. Random draws are keyed by seed, block and iteration, so any rank draws the same.
#pragma once

#include <functional>
#include <vector>

#include "quant/Pass.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/StepLoss.hpp"
#include "quant/passes/StepOptions.hpp"

namespace aocq::quant {

// One site's quantizer by its layer's loss, all rows in every iteration. The best quantizer on the
// way, the start included.
Quantizer learn_site(const StepOptions& options, const Site& site, const Quantizer& start,
                     const StepLoss& loss, const std::function<void()>& may_stop);

// The quantizers of several sites of a block at once, by the token-weighted squared error of the
// block's output: the model's activations quantized and its weights as they are, against the float
// block. Kept only where the error of the judging images falls. Returns the report's entry.
Json learn_block(const StepOptions& options, const PassContext& context, QuantizedModel& model,
                 std::size_t block, const std::vector<Site>& sites, const Split& split,
                 const at::Tensor& token_weights);

}  // namespace aocq::quant
