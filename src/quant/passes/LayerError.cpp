// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerError.hpp"

#include <algorithm>

#include "core/Error.hpp"
#include "quant/kernels/Reduce.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {

Split split_images(std::int64_t images, int held_back) {
    AOCQ_EXPECT(held_back >= 2);
    Split split;
    for (std::int64_t i = 0; i < images; ++i)
        (i % held_back == held_back - 1 ? split.judge : split.search).push_back(i);
    // With too few images to hold any back, the search judges itself.
    if (split.judge.empty()) split.judge = split.search;
    return split;
}

Halves halves(const std::vector<std::int64_t>& images) {
    Halves found;
    for (std::size_t i = 0; i < images.size(); ++i)
        (i % 2 == 0 ? found.even : found.odd).push_back(images[i]);
    if (found.odd.empty()) found.odd = found.even;
    return found;
}

Rows pick_rows(const at::Tensor& x, const at::Tensor& weights,
               const std::vector<std::int64_t>& images, std::int64_t most) {
    const std::int64_t total = x.size(0), channels = x.size(-1);
    const at::Tensor index = index_of(images, x.device());
    const at::Tensor rows =
        x.reshape({total, -1, channels}).index_select(0, index).reshape({-1, channels});
    const at::Tensor their =
        weights.to(x.device()).reshape({total, -1}).index_select(0, index).reshape({-1, 1});
    AOCQ_EXPECT(rows.size(0) == their.size(0));
    const std::int64_t count = rows.size(0);
    if (count <= most) return {rows.contiguous(), their.contiguous()};
    const std::int64_t largest = most / 4, others = most - largest;
    const at::Tensor order =
        at::argsort(std::get<0>(rows.abs().max(1)), /*stable=*/true, 0, /*descending=*/true);
    const at::Tensor rest = std::get<0>(order.slice(0, largest).sort());
    const double stride = static_cast<double>(count - largest) / static_cast<double>(others);
    const at::Tensor spaced = (at::arange(others, at::kDouble) * stride).to(at::kLong);
    const at::Tensor places =
        at::cat({order.slice(0, 0, largest), rest.index_select(0, spaced.to(x.device()))});
    at::Tensor picked = their.index_select(0, places);
    picked.slice(0, largest).mul_(stride);
    return {rows.index_select(0, places), picked};
}

LayerError::LayerError(const at::Tensor& weight, Mean mean) : mean_(mean) {
    const std::int64_t outputs = weight.size(0), channels = weight.size(1);
    if (outputs <= channels) {
        factor_ = weight.t().contiguous();
        return;
    }
    const at::Tensor w = weight.to(at::kDouble);
    at::Tensor gram = at::mm(w.t(), w);
    // A channel that no output uses leaves the Gram matrix singular.
    gram.diagonal().add_(1e-10 * gram.diagonal().mean() + 1e-30);
    factor_ = at::linalg_cholesky(gram).to(at::kFloat).contiguous();
}

// [R, K], the squares of which add up to the error.
at::Tensor LayerError::at_output(const at::Tensor& error, const at::Tensor& roots) const {
    const at::Tensor seen = at::mm(error, factor_);
    if (mean_ == Mean::kept) return seen;
    const at::Tensor mean = at::mv(seen.t(), roots) / roots.square().sum().clamp_min(1e-30);
    return seen - at::outer(roots, mean);
}

double LayerError::operator()(const at::Tensor& error, const at::Tensor& row_weights) const {
    const at::Tensor roots = row_weights.sqrt();
    return of_weighted(error * roots, roots.flatten());
}

double LayerError::of_weighted(const at::Tensor& error, const at::Tensor& roots) const {
    const at::Tensor seen = at_output(error, roots).to(at::kCPU).contiguous();
    return sum_of_squares({seen.const_data_ptr<float>(), static_cast<std::size_t>(seen.numel())},
                          0.0);
}

at::Tensor LayerError::differentiable(const at::Tensor& error,
                                      const at::Tensor& row_weights) const {
    const at::Tensor roots = row_weights.sqrt();
    return at_output(error * roots, roots.flatten()).square().sum();
}

}  // namespace aocq::quant
