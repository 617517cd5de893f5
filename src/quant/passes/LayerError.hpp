// SPDX-License-Identifier: Apache-2.0
// The error that rounding a layer's input (and weight) makes at the layer's output, every token
// with its weight: what operators and steps are chosen by.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace aocq::quant {

// Rows (tokens) of a calibration value with their weights: x [R, C] f32, weights [R, 1] f32.
struct Rows {
    at::Tensor x, weights;
};

// Images of the search, and the others, which only judge its result: every `held_back`-th image.
struct Split {
    std::vector<std::int64_t> search, judge;
};
Split split_images(std::int64_t images, int held_back = 4);

// Every other image of the list, and the rest; a single one is both halves.
struct Halves {
    std::vector<std::int64_t> even, odd;
};
Halves halves(const std::vector<std::int64_t>& images);

// About `most` rows of the given images, x [images, ..., C] and weights [images, rows]: a quarter
// of them the rows with the largest values, because a few tokens carry the outliers that a range
// must not cut off, the others evenly spaced among the rest, whose weights make up for the rows
// left out.
Rows pick_rows(const at::Tensor& x, const at::Tensor& weights,
               const std::vector<std::int64_t>& images, std::int64_t most);

// Sum over rows of weight * |e W^T|^2 for errors e [R, C] of the input; the weighted mean of e can
// be taken out first, where a bias will make it good.
class LayerError {
  public:
    enum class Mean { kept, removed };
    // weight [O, C]. O(O C^2) once, then O(R C min(O, C)) per call.
    explicit LayerError(const at::Tensor& weight, Mean mean = Mean::kept);
    double operator()(const at::Tensor& error, const at::Tensor& row_weights) const;
    // The same of errors whose rows are multiplied by the root of their weight already; roots [R].
    double of_weighted(const at::Tensor& error, const at::Tensor& roots) const;
    // The weighted error as a scalar that gradients can be taken of.
    at::Tensor differentiable(const at::Tensor& error, const at::Tensor& row_weights) const;

  private:
    at::Tensor at_output(const at::Tensor& error, const at::Tensor& roots) const;

    at::Tensor factor_;  // [C, min(O, C)] with factor factor^T = W^T W
    Mean mean_;
};

}  // namespace aocq::quant
