// SPDX-License-Identifier: Apache-2.0
// Weighted moments of a linear layer's quantized input (x) and of the input that its output is to
// follow (u), which may be the same before quantization or the float model's: all that rounding the
// layer's weight needs to know of the images (METHODS 0.4(C), 0.5).
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <optional>

namespace aocq::quant {

struct LayerMoments {
    at::Tensor hessian;   // [C, C] f64: sum of w x x^T, x centred
    at::Tensor cross;     // [C, C] f64: sum of w x (u - x)^T, both centred; undefined if left out
    at::Tensor mean;      // [C] f64: weighted mean of x
    at::Tensor raw_mean;  // [C] f64: weighted mean of u
    double weight = 0;    // sum of w
};

enum class CrossTerm { wanted, left_out };

// What the layer's output is to follow instead of the input itself: input + share (value - input).
struct Followed {
    at::Tensor value = {};  // [R, C] f32; undefined: nothing else
    double share = 1;
};

// The input [R, C] f32 and `quantize`, which makes x of any of its rows; weights [R, 1] f32. u is
// what is followed. O(R C^2), a few thousand rows at a time: no second copy of the input.
LayerMoments layer_moments(const at::Tensor& input,
                           const std::function<at::Tensor(const at::Tensor&)>& quantize,
                           const at::Tensor& weights, CrossTerm cross = CrossTerm::wanted,
                           const Followed& followed = {});

// The moments of the rows of both.
LayerMoments join(const LayerMoments& one, const LayerMoments& other);

// (hessian + ridge * mean diagonal * I)^-1 wanted, [C, O] f64; nothing where the system cannot be
// solved.
std::optional<at::Tensor> ridge_solution(const at::Tensor& hessian, const at::Tensor& wanted,
                                         double ridge);

// W + W cross^T (hessian + ridge * mean diagonal * I)^-1, the best weight for the quantized input
// before it is rounded: [O, C] f64. Error(numeric) where the system cannot be solved.
at::Tensor compensated(const at::Tensor& weight, const LayerMoments& moments, double ridge);

}  // namespace aocq::quant
