// SPDX-License-Identifier: Apache-2.0
// The pass "adversarial_tuning": the whole quantized model learns from images that are made against
// it (PSAQ-ViT V2, arXiv 2209.05687; re-created from its abstract, since its code was never
// released; METHODS 3.5). In turns, images are synthesized without labels so that patches differ
// and the quantized model's logits are as far from the float model's as they can be; then the
// quantized model's weights, biases and activation steps learn to make that distance small on them.
// It needs calibration images only as the judge: the round after which the distance on them
// is smallest is kept, and none if it never falls. Put it behind "fit".
//   [method.adversarial_tuning]
//   rounds = 4               of images and learning
//   images = 8               made in each round
//   synthesis_iterations = 20    of each half of their schedule (quant/SynthesisOptions.hpp)
//   synthesis_rate = 0.2
//   discrepancy = 1          weight of the distance while images are made
//   iterations = 40          of Adam in each round
//   batch = 4                images of a round per step
//   rate = 1e-5              of weights and biases, falling along a cosine within a round
//   step_rate = 1e-3         the same of the logarithm of activation steps
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_adversarial_tuning(Fields fields, Form form);

}  // namespace aocq::quant
