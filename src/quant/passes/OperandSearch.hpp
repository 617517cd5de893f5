// SPDX-License-Identifier: Apache-2.0
// The alternating search of the scales of a node's two operands: of a linear layer's weight and
// input, of a matmul's left and right side. Each side is searched while the other one stays, until
// a round changes nothing (METHODS 2, 3.2).
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "quant/Quantization.hpp"
#include "quant/passes/OutputLoss.hpp"

namespace aocq::quant {

struct SearchFigures {
    double before = 0, after = 0;  // mean loss of an image
};

// One operand with its quantizer; null: it stays float.
struct SearchedOperand {
    Site site;
    Quantizer* quantizer = nullptr;
};

// Float values of a linear layer on calibration images.
struct LinearValues {
    at::Tensor x;          // [images, rows, C] f32
    at::Tensor output;     // [images, rows, O] f32, of the float layer
    at::Tensor gradients;  // as output; undefined unless the objective wants them
    at::Tensor weight;     // [O, C] f32: what is to be quantized
    at::Tensor bias;       // [O] f32 or undefined; bias correction changes it
};
// Changes the quantizers and, with bias correction, the bias.
SearchFigures search_linear(const ScaleSearchOptions& options, LinearValues& values,
                            SearchedOperand input, SearchedOperand weight,
                            const std::function<void()>& may_stop);

// Float values of an attention product; an image's windows follow each other on the first axis.
struct MatmulValues {
    at::Tensor lhs, rhs;   // [images * windows, H, N, K], [images * windows, H, ., .] f32
    at::Tensor output;     // [images * windows, H, N, M] f32
    at::Tensor gradients;  // as output, or undefined
    bool transpose_rhs = false;
    double factor = 1;
    std::int64_t images = 1;
    bool is_scores = false;  // the ranking loss counts
};
SearchFigures search_matmul(const ScaleSearchOptions& options, const MatmulValues& values,
                            SearchedOperand lhs, SearchedOperand rhs,
                            const std::function<void()>& may_stop);

}  // namespace aocq::quant
