// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerMoments.hpp"

#include <algorithm>

#include "core/Error.hpp"

namespace aocq::quant {

namespace {

constexpr std::int64_t rows_at_a_time = 2048;  // what fits in the cache
constexpr std::int64_t column_blocks = 4;

// x^T x of a tall matrix: the upper half in blocks, mirrored.
at::Tensor gram(const at::Tensor& x) {
    const std::int64_t columns = x.size(1);
    if (columns < 512) return at::mm(x.t(), x);
    const std::int64_t width = (columns + column_blocks - 1) / column_blocks;
    at::Tensor product = at::empty({columns, columns}, x.options());
    for (std::int64_t first = 0; first < columns; first += width) {
        const std::int64_t count = std::min(width, columns - first);
        const at::Tensor rest = x.narrow(1, first, columns - first);
        const at::Tensor block = at::mm(x.narrow(1, first, count).t(), rest);
        product.narrow(0, first, count).narrow(1, first, columns - first).copy_(block);
        product.narrow(1, first, count).narrow(0, first, columns - first).copy_(block.t());
    }
    return product;
}

// The weighted mean of x, as near as single precision has it.
at::Tensor mean_of(const at::Tensor& u,
                   const std::function<at::Tensor(const at::Tensor&)>& quantize,
                   const at::Tensor& weights, double weight) {
    at::Tensor sum = at::zeros({u.size(1)}, u.options().dtype(at::kDouble));
    for (std::int64_t first = 0; first < u.size(0); first += rows_at_a_time) {
        const std::int64_t last = std::min(first + rows_at_a_time, u.size(0));
        const at::Tensor x = quantize(u.slice(0, first, last));
        sum += at::mv(x.t(), weights.slice(0, first, last).flatten()).to(at::kDouble);
    }
    return (sum / weight).to(at::kFloat);
}

// Sums over rows: weighted sums of x and u about points near their means.
struct Sums {
    at::Tensor x, u;           // [C] f64
    at::Tensor square, cross;  // [C, C] f64
};

}  // namespace

LayerMoments layer_moments(const at::Tensor& input,
                           const std::function<at::Tensor(const at::Tensor&)>& quantize,
                           const at::Tensor& weights, CrossTerm cross, const Followed& followed) {
    AOCQ_EXPECT(input.dim() == 2 && weights.size(0) == input.size(0));
    AOCQ_EXPECT(!followed.value.defined() || followed.value.sizes() == input.sizes());
    const std::int64_t rows = input.size(0), channels = input.size(1);
    LayerMoments m;
    m.weight = weights.sum(at::kDouble).item<double>();
    // Sums about x's own mean lose nothing to cancellation; about u's they would: at few bits the
    // two are far apart, and what is left of x's spread is no positive matrix any more.
    const at::Tensor about = mean_of(input, quantize, weights, m.weight);
    const auto zeros = [&](at::IntArrayRef sizes) {
        return at::zeros(sizes, input.options().dtype(at::kDouble));
    };
    Sums sums{zeros({channels}), zeros({channels}), zeros({channels, channels}), {}};
    if (cross == CrossTerm::wanted) sums.cross = zeros({channels, channels});
    for (std::int64_t first = 0; first < rows; first += rows_at_a_time) {
        const std::int64_t last = std::min(first + rows_at_a_time, rows);
        const at::Tensor own = input.slice(0, first, last), x = quantize(own);
        const at::Tensor raw =
            followed.value.defined()
                ? at::lerp(own, followed.value.slice(0, first, last), followed.share)
                : own;
        const at::Tensor root = weights.slice(0, first, last).sqrt();
        const at::Tensor centred = (x - about) * root, missing = (raw - x) * root;
        const at::Tensor roots = root.flatten();
        const at::Tensor sum = at::mv(centred.t(), roots).to(at::kDouble);
        sums.x += sum;
        sums.u += sum + at::mv(missing.t(), roots).to(at::kDouble);
        sums.square += gram(centred);
        if (cross == CrossTerm::wanted) sums.cross += at::mm(centred.t(), missing);
    }
    const at::Tensor x = sums.x / m.weight, u_mean = sums.u / m.weight;
    m.mean = about.to(at::kDouble) + x;
    m.raw_mean = about.to(at::kDouble) + u_mean;
    m.hessian = sums.square - at::outer(x, x) * m.weight;
    if (cross == CrossTerm::wanted) m.cross = sums.cross - at::outer(x, u_mean - x) * m.weight;
    return m;
}

LayerMoments join(const LayerMoments& one, const LayerMoments& other) {
    LayerMoments all;
    all.weight = one.weight + other.weight;
    const double first = one.weight / all.weight, second = other.weight / all.weight;
    all.mean = one.mean * first + other.mean * second;
    all.raw_mean = one.raw_mean * first + other.raw_mean * second;
    // What the distance between the two means adds to sums about each of them.
    const at::Tensor apart = one.mean - other.mean, raw_apart = one.raw_mean - other.raw_mean;
    const double share = one.weight * second;
    all.hessian = one.hessian + other.hessian + at::outer(apart, apart) * share;
    if (one.cross.defined() && other.cross.defined())
        all.cross = one.cross + other.cross + at::outer(apart, raw_apart - apart) * share;
    return all;
}

std::optional<at::Tensor> ridge_solution(const at::Tensor& hessian, const at::Tensor& wanted,
                                         double ridge) {
    at::Tensor system = hessian.clone();
    system.diagonal().add_(ridge * system.diagonal().mean().item<double>() + 1e-30);
    const auto [factor, info] = at::linalg_cholesky_ex(system);
    if (info.item<int>() != 0) return std::nullopt;
    return at::cholesky_solve(wanted, factor);
}

at::Tensor compensated(const at::Tensor& weight, const LayerMoments& moments, double ridge) {
    const at::Tensor w = weight.to(at::kDouble);
    // (H + r I)^-1 B W^T is the change of W^T.
    const auto change = ridge_solution(moments.hessian, at::mm(moments.cross, w.t()), ridge);
    if (change) return w + change->t();
    throw Error::numeric("the layer's input moments are not positive definite")
        .advise("raise the ridge or use more calibration images");
}

}  // namespace aocq::quant
