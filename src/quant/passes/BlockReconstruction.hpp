// SPDX-License-Identifier: Apache-2.0
// The pass "block_reconstruction": rounding variables of the weights and steps of the activations
// learned by the error of a unit's output, without labels: AdaRound (arXiv 2004.10568), BRECQ
// (2102.05426) and QDrop (2203.05740), METHODS 4.1-4.3. Static uniform activation quantizers can be
// learned, all others are kept. Weights keep the scales that they were fitted with.
//   [method.block_reconstruction]
//   unit = "block"        a whole block by its output, or "layer": each linear layer by its own
//   weights = "learned"   or "kept": nearest codes
//   steps = "kept"        of activations, or learned: "lsq", "pact", "dsq" (LearnableStep.hpp)
//   order = "together"    steps with the weights, or "after" them in iterations of their own
//   input = "quantized"   what the unit is fed: behind the quantized prefix, behind the "float" one
//                         (blocks are then independent of each other), or "mixed": each value
//                         behind either
//   mix = 0.5             probability of the float value in a mixed input
//   drop = 0.0            probability that an activation stays float beside learned weights; 1: all
//   target = "teacher"    the float unit behind the float prefix, or "prefix": behind the quantized
//   objective = "mse"     or "fisher": by the squared gradients of the unit's output, of tokens
//                         times channels
//   power = 2.0           of the error; step_power = 2.0: of steps after the weights
//   schedule = "smoke"    or "full": what the following default to (in brackets: full)
//   batch = 4             [32] images of an iteration
//   iterations = 100      [20000]
//   rate = 0.5            [0.001] of the rounding variables
//   step_iterations = 50  [5000] of steps after the weights
//   step_rate = 0.008     [0.0004, with the weights 0.00004] of the log step (lsq) or the ends,
//                         falling along a cosine. Ranges that start badly want more (the embedded
//                         model 0.1), but that harms DeiT-T at W4A4
//   regularizer = 1.0     in units of the mean share of a weight in the error to begin with
//   warmup = 0.2          share of the iterations without the regularizer, whose exponent then
//   falls
//                         from 20 to 2
//   decay = 0.01          of PACT's penalty on the ends, relative to the error to begin with
#pragma once

#include <memory>

#include "quant/Pass.hpp"

namespace aocq::quant {

std::unique_ptr<Pass> make_block_reconstruction(Fields fields, Form form);

}  // namespace aocq::quant
