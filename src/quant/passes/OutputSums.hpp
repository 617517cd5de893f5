// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of a layer's output o and of what quantization made of it, ohat, column by
// column: by the kernels of OutputError.hpp where the values are on the CPU, by tensor operations
// elsewhere, with differences and products in float32 and sums in double in both. Outputs are
// [images, units, rows, columns] f32, the sums [images * units * columns].
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace aocq::quant {

std::vector<double> row_sums(const at::Tensor& x);

struct DifferenceSums {
    std::vector<double> d, od, dd;  // of ohat - o, o d, d^2
};
DifferenceSums difference_sums(const at::Tensor& o, const at::Tensor& ohat);

// Of (g d)^2.
std::vector<double> weighted_error_sums(const at::Tensor& o, const at::Tensor& ohat,
                                        const at::Tensor& g);

}  // namespace aocq::quant
