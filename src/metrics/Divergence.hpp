// SPDX-License-Identifier: Apache-2.0
// How far the class probabilities of a quantized model are from the float model's: it resolves on
// a few images what top-1 needs thousands for.
#pragma once

#include <span>

namespace aocq::metrics {

// KL(p ‖ q) = Σ p (log p − log q) in nats, p = softmax(reference), q = softmax(other), both rows
// of logits [classes] f32, in double and through log-softmax. Never negative. A logit that is not
// finite is an Error(numeric).
double kl_divergence(std::span<const float> reference, std::span<const float> other);

}  // namespace aocq::metrics
