// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputFactor.hpp"

#include "core/Error.hpp"

namespace aocq::quant {

at::Tensor output_factor(OutputForm form, const NodeSensitivity& node, double shrink) {
    const std::int64_t outputs = node.squares.size(0);
    if (form == OutputForm::identity) return at::eye(outputs, at::kDouble);
    // An output that no gradient reached still counts a little.
    const double mean = node.squares.mean().item<double>();
    if (!(mean > 0)) return at::eye(outputs, at::kDouble);
    const at::Tensor squares = node.squares.clamp_min(1e-3 * mean);
    const at::Tensor diagonal = at::diag(squares / squares.mean());
    if (form == OutputForm::diagonal) return diagonal;
    AOCQ_EXPECT(node.rows.dim() == 2 && node.rows.size(1) == outputs);
    const at::Tensor rows = node.rows.to(at::kDouble);
    const at::Tensor covariance = at::mm(rows.t(), rows);
    const at::Tensor sampled = covariance / covariance.diagonal().mean().clamp_min(1e-300);
    return sampled * (1.0 - shrink) + diagonal * shrink;
}

}  // namespace aocq::quant
