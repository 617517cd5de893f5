// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerError.hpp"

#include <algorithm>

#include "core/Error.hpp"

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

Rows pick_rows(const at::Tensor& x, const at::Tensor& weights,
               const std::vector<std::int64_t>& images, std::int64_t most) {
    const std::int64_t total = x.size(0), channels = x.size(-1);
    const at::Tensor index =
        at::tensor(at::ArrayRef<std::int64_t>(images.data(), images.size())).to(x.device());
    const at::Tensor rows =
        x.reshape({total, -1, channels}).index_select(0, index).reshape({-1, channels});
    const at::Tensor their =
        weights.to(x.device()).reshape({total, -1}).index_select(0, index).reshape({-1, 1});
    AOCQ_EXPECT(rows.size(0) == their.size(0));
    const std::int64_t count = rows.size(0);
    if (count <= most) return {rows.contiguous(), their.contiguous()};
    const at::Tensor places =
        (at::arange(most, at::kDouble) * (static_cast<double>(count) / static_cast<double>(most)))
            .to(at::kLong)
            .to(x.device());
    return {rows.index_select(0, places), their.index_select(0, places)};
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

double LayerError::operator()(const at::Tensor& error, const at::Tensor& row_weights) const {
    at::Tensor e = error;
    if (mean_ == Mean::removed)
        e = e - (e * row_weights).sum(0, true) / row_weights.sum().clamp_min(1e-30);
    return (at::mm(e, factor_).square().sum(1, true) * row_weights)
        .sum(at::kDouble)
        .item<double>();
}

}  // namespace aocq::quant
