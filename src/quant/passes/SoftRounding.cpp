// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/SoftRounding.hpp"

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr double zeta = 1.1, gamma_ = -0.1;

at::Tensor start_of(const at::Tensor& share) {
    return -at::log((zeta - gamma_) / (share.clamp(1e-4, 1 - 1e-4) - gamma_) - 1.0);
}

}  // namespace

SoftRounding::SoftRounding(at::Tensor lower, const at::Tensor& share, double top,
                           const SoftOptions& options)
    : options_(options),
      top_(top),
      lower_(std::move(lower)),
      v_(start_of(share)),
      free_(at::logical_and(lower_ >= 0, lower_ < top).to(lower_.scalar_type())),
      adam_({v_}, options.rate, options.iterations, RateDecay::none) {}

at::Tensor SoftRounding::codes() {
    sigmoid_ = at::sigmoid(v_);
    h_ = (sigmoid_ * (zeta - gamma_)).add_(gamma_).clamp_(0, 1);
    return (lower_ + h_).clamp_(0, top_);
}

at::Tensor SoftRounding::gradient_to_variables(const at::Tensor& gradient) const {
    AOCQ_EXPECT(h_.defined());
    at::Tensor total = gradient * free_;
    add_regularizer(total);
    // Clipping passes no gradient.
    const at::Tensor passes = at::logical_and(h_ > 0, h_ < 1);
    return total.mul_((1 - sigmoid_).mul_(sigmoid_)).mul_(passes).mul_(zeta - gamma_);
}

void SoftRounding::step(const at::Tensor& gradient) {
    adam_.step({gradient_to_variables(gradient)});
    h_.reset();
    ++done_;
}

// d/dh of 1 - |2h - 1|^beta.
void SoftRounding::add_regularizer(at::Tensor& gradient) const {
    const double progress = static_cast<double>(done_) / options_.iterations;
    if (progress < options_.warmup || options_.regularizer == 0) return;
    const double late = (progress - options_.warmup) / (1 - options_.warmup);
    const double beta =
        options_.last_beta + (options_.first_beta - options_.last_beta) * (1.0 - late);
    const at::Tensor way = (h_ * 2).sub_(1);
    const at::Tensor slope = at::pow(way.abs(), beta - 1).mul_(way.sgn_());
    gradient.sub_(slope, options_.regularizer * 2 * beta);
}

at::Tensor SoftRounding::stretched() const {
    return at::sigmoid(v_) * (zeta - gamma_) + gamma_;
}

at::Tensor SoftRounding::rounded() const {
    return (lower_ + (stretched() >= 0.5).to(lower_.scalar_type())).clamp(0, top_);
}

double SoftRounding::undecided() const {
    return (1 - (stretched().clamp(0, 1) * 2 - 1).abs()).mean().item<double>();
}

}  // namespace aocq::quant
