// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerMoments.hpp"

#include "core/Error.hpp"

namespace aocq::quant {

LayerMoments layer_moments(const at::Tensor& u, const at::Tensor& x, const at::Tensor& weights) {
    AOCQ_EXPECT(u.dim() == 2 && u.sizes() == x.sizes() && weights.size(0) == u.size(0));
    LayerMoments m;
    m.weight = weights.sum(at::kDouble).item<double>();
    const auto mean_of = [&](const at::Tensor& v) {
        return (v * weights).sum(0, false, at::kDouble) / m.weight;
    };
    m.mean = mean_of(x);
    m.raw_mean = mean_of(u);
    const at::Tensor root = weights.sqrt();
    const at::Tensor centred = (x - m.mean.to(at::kFloat)) * root;
    const at::Tensor missing = ((u - x) - (m.raw_mean - m.mean).to(at::kFloat)) * root;
    m.hessian = at::mm(centred.t(), centred).to(at::kDouble);
    m.cross = at::mm(centred.t(), missing).to(at::kDouble);
    return m;
}

at::Tensor compensated(const at::Tensor& weight, const LayerMoments& moments, double ridge) {
    at::Tensor system = moments.hessian.clone();
    system.diagonal().add_(ridge * system.diagonal().mean().item<double>() + 1e-30);
    const auto [factor, info] = at::linalg_cholesky_ex(system);
    if (info.item<int>() != 0) {
        throw Error::numeric("the layer's input moments are not positive definite")
            .advise("raise the ridge or use more calibration images");
    }
    const at::Tensor w = weight.to(at::kDouble);
    // (H + r I)^-1 B W^T is the change of W^T.
    return w + at::cholesky_solve(at::mm(moments.cross, w.t()), factor).t();
}

}  // namespace aocq::quant
