// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/HalvesRounding.hpp"

#include <cmath>
#include <span>
#include <vector>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

std::span<const double> row_of(const at::Tensor& x, std::int64_t o) {
    return {x.const_data_ptr<double>() + o * x.size(1), static_cast<std::size_t>(x.size(1))};
}

// One row of a stretch of columns while its codes change one by one.
class RowRefinement {
  public:
    RowRefinement(std::span<double> codes, std::span<const double> weight,
                  std::span<const double> scales, std::span<const double> zeros,
                  const double* hessian, double top)
        : codes_(codes), scales_(scales), hessian_(hessian), top_(top) {
        for (std::size_t c = 0; c < codes.size(); ++c)
            error_.push_back((codes[c] - zeros[c]) * scales[c] - weight[c]);
        gradient_.assign(codes.size(), 0.0);
        for (std::size_t c = 0; c < codes.size(); ++c) add(c, error_[c]);
    }

    // False where no change is left that helps.
    bool flip() {
        std::size_t chosen = codes_.size();
        double steepest = 0;
        for (std::size_t c = 0; c < codes_.size(); ++c) {
            if (gradient_[c] * error_[c] <= 0 || std::abs(gradient_[c]) <= steepest) continue;
            if (const double code = codes_[c] - direction(c); code < 0 || code > top_) continue;
            steepest = std::abs(gradient_[c]);
            chosen = c;
        }
        if (chosen == codes_.size()) return false;
        const double step = -direction(chosen) * scales_[chosen];
        const double diagonal = hessian_[chosen * codes_.size() + chosen];
        if (2 * step * gradient_[chosen] + step * step * diagonal >= 0) return false;
        codes_[chosen] -= direction(chosen);
        error_[chosen] += step;
        add(chosen, step);
        return true;
    }

  private:
    double direction(std::size_t c) const { return error_[c] > 0 ? 1.0 : -1.0; }
    // gradient_ = H error_
    void add(std::size_t column, double change) {
        const double* h = hessian_ + column * codes_.size();
        for (std::size_t i = 0; i < codes_.size(); ++i) gradient_[i] += change * h[i];
    }

    std::span<double> codes_;
    std::span<const double> scales_;
    const double* hessian_;
    double top_;
    std::vector<double> error_, gradient_;
};

// What the columns [first, C) must add to make good the error [O, n] of those before them.
at::Tensor compensation(const at::Tensor& error, const at::Tensor& hessian, std::int64_t from,
                        std::int64_t first, double ridge) {
    const std::int64_t left = hessian.size(0) - first;
    at::Tensor system = hessian.narrow(0, first, left).narrow(1, first, left).clone();
    system.diagonal().add_(ridge + 1e-30);
    const auto [factor, info] = at::linalg_cholesky_ex(system);
    if (info.item<int>() != 0) {
        throw Error::numeric("the layer's input moments are not positive definite")
            .advise("raise the ridge or use more calibration images");
    }
    const at::Tensor across =
        hessian.narrow(0, first, left).narrow(1, from, error.size(1));  // [left, n]
    return -at::cholesky_solve(at::mm(across, error.t()), factor).t();
}

}  // namespace

void refine_rounding(at::Tensor& codes, const at::Tensor& weight, const at::Tensor& scales,
                     const at::Tensor& zeros, const at::Tensor& hessian, double top, int flips) {
    AOCQ_EXPECT(codes.is_contiguous() && weight.is_contiguous() && hessian.is_contiguous());
    for (std::int64_t o = 0; o < codes.size(0); ++o) {
        const std::span<double> row(codes.mutable_data_ptr<double>() + o * codes.size(1),
                                    static_cast<std::size_t>(codes.size(1)));
        RowRefinement refinement(row, row_of(weight, o), row_of(scales, o), row_of(zeros, o),
                                 hessian.const_data_ptr<double>(), top);
        for (int i = 0; i < flips && refinement.flip(); ++i) {
        }
    }
}

at::Tensor round_by_halves(const at::Tensor& weight, const at::Tensor& scales,
                           const at::Tensor& zeros, const at::Tensor& hessian, double top,
                           const HalvesOptions& options) {
    const std::int64_t columns = weight.size(1);
    const double ridge = options.ridge * hessian.diagonal().mean().item<double>();
    at::Tensor w = weight.clone(), codes = at::empty_like(weight);
    for (std::int64_t first = 0; first < columns;) {
        const std::int64_t left = columns - first, count = left == 1 ? 1 : left / 2;
        const auto part = [&](const at::Tensor& x) {
            return x.narrow(1, first, count).contiguous();
        };
        const at::Tensor now = part(w), s = part(scales), z = part(zeros);
        at::Tensor q = at::clamp(at::round(now / s) + z, 0, top);
        const at::Tensor h = part(hessian).narrow(0, first, count).contiguous();
        refine_rounding(q, now, s, z, h, top, options.flips);
        codes.narrow(1, first, count).copy_(q);
        const at::Tensor error = (q - z) * s - now;
        const std::int64_t next = first + count;
        if (next < columns) {
            w.narrow(1, next, columns - next)
                .add_(compensation(error, hessian, first, next, ridge));
        }
        first = next;
    }
    return codes;
}

}  // namespace aocq::quant
