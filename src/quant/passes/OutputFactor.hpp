// SPDX-License-Identifier: Apache-2.0
// The output side of the loss, tr(G dW H dW^T) (METHODS 0.4(C)): how much the model's prediction
// feels an error of each output of a layer, and of two outputs together.
#pragma once

#include <ATen/ATen.h>

#include "core/EnumTable.hpp"
#include "quant/Sensitivity.hpp"

namespace aocq::quant {

// identity  all outputs alike
// diagonal  each output by the square of its gradients: decides where rows share a grid, because
//           rows that share nothing are rounded alike whatever their weight is
// full      two outputs together: an output's error may make good another one's
enum class OutputForm { identity, diagonal, full };
inline constexpr EnumTable<OutputForm, 3> output_forms{{{{OutputForm::identity, "identity"},
                                                         {OutputForm::diagonal, "diagonal"},
                                                         {OutputForm::full, "full"}}}};

// G [O, O] f64, symmetric and positive, its diagonal of mean one. `shrink`: share of the diagonal
// in the full form, since few gradients stand for many outputs. Without any gradient: identity.
at::Tensor output_factor(OutputForm form, const NodeSensitivity& node, double shrink);

}  // namespace aocq::quant
