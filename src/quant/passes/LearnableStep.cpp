// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LearnableStep.hpp"

#include <algorithm>
#include <cmath>

#include "nn/Autograd.hpp"
#include "quant/passes/StepFunction.hpp"

namespace aocq::quant {
namespace {

// The characteristic variable alpha of dsq: 0.5 is as soft as a line is, 0 a staircase. It is
// learned below a bound that falls while the learning goes on.
constexpr double softest = 0.4, hardest = 0.02;
// Of an end, as a multiple of where it starts.
constexpr float smallest_end = 1e-3F;

// Rounding whose gradient is 1.
at::Tensor rounded(const at::Tensor& x) {
    return x + (at::round(x) - x).detach();
}

// x, whose gradient is `share` of x's.
at::Tensor slowed(const at::Tensor& x, double share) {
    return x * share + (x - x * share).detach();
}

at::Tensor to_tensor(const std::vector<float>& values) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()));
}

// [grids] -> [1, grids, 1] where the values are that it is for
at::Tensor spread(const at::Tensor& x, const at::Tensor& values) {
    return x.view({1, -1, 1}).to(values.device());
}

}  // namespace

bool learnable(const Quantizer& quantizer) {
    return quantizer.fitted && quantizer.scheme.mode == Mode::fixed &&
           quantizer.scheme.codec == Codec::uniform;
}

LearnableStep::LearnableStep(StepForm form, const Site& site, Quantizer start)
    : form_(form), site_(site), start_(std::move(start)) {
    AOCQ_EXPECT(form != StepForm::search && learnable(start_));
    std::vector<float> low, high, scale, zero;
    for (const Grid& grid : start_.grids) {
        const Range range = range_of(grid, start_.scheme.bits);
        low.push_back(range.low);
        high.push_back(range.high);
        scale.push_back(grid.scale);
        zero.push_back(static_cast<float>(grid.zero_point));
    }
    first_ = {to_tensor(low), to_tensor(high)};
    first_zero_ = to_tensor(zero);
    const bool one_end = start_.scheme.symmetry == Symmetry::symmetric;
    if (form == StepForm::lsq) {
        leaves_.push_back(nn::leaf(to_tensor(scale).log()));
        if (!one_end) leaves_.push_back(nn::leaf(at::zeros_like(first_zero_)));
        return;
    }
    // Ends as multiples of where they start, so that one learning rate does for all.
    leaves_.push_back(nn::leaf(at::ones_like(first_.high)));
    if (!one_end) leaves_.push_back(nn::leaf(at::ones_like(first_.low)));
    if (form == StepForm::dsq) leaves_.push_back(nn::leaf(at::zeros_like(first_.high)));
}

LearnableStep::Ends LearnableStep::ends() const {
    // An end on the far side of zero, or a range of no width, is no range.
    const at::Tensor high = first_.high * leaves_[0].clamp_min(smallest_end);
    if (start_.scheme.symmetry == Symmetry::symmetric)
        return {first_.low * leaves_[0].clamp_min(smallest_end), high};
    return {first_.low * leaves_[1].clamp_min(smallest_end), high};
}

at::Tensor LearnableStep::operator()(const at::Tensor& x, double progress,
                                     const at::Tensor& kept) const {
    const Layout layout = layout_of(start_.scheme, site_, x.sizes().vec());
    const at::Tensor cut = x.reshape({layout.outer, layout.channels, layout.inner});
    if (form_ == StepForm::lsq) return lsq(cut, kept).reshape(x.sizes());
    const at::Tensor all = form_ == StepForm::pact ? pact(cut) : dsq(cut, progress);
    if (!kept.defined()) return all.reshape(x.sizes());
    return at::where(kept.to(x.device()).to(at::kBool).view(x.sizes()), x, all.reshape(x.sizes()));
}

at::Tensor LearnableStep::lsq(const at::Tensor& x, const at::Tensor& kept) const {
    const double top = largest_code(start_.scheme.bits);
    const double values = static_cast<double>(x.numel()) / static_cast<double>(x.size(1));
    const double share = 1.0 / std::sqrt(values * top);
    const at::Tensor step = slowed(leaves_[0].exp(), share);
    at::Tensor zero = first_zero_;
    // In units of the whole range, like the logarithm of the step.
    if (leaves_.size() > 1)
        zero = rounded((zero + slowed(leaves_[1], share) * top).clamp(0.0, top));
    return round_to_steps(x, step, zero, start_.scheme.bits, kept);
}

at::Tensor LearnableStep::pact(const at::Tensor& x) const {
    const Ends now = ends();
    const at::Tensor clipped = at::maximum(at::minimum(x, spread(now.high, x)), spread(now.low, x));
    // The grid's own ends may lie a little inside, where its zero point is rounded.
    const Quantizer quantizer = this->quantizer();
    const double top = largest_code(start_.scheme.bits);
    std::vector<float> scale, zero;
    for (const Grid& grid : quantizer.grids) {
        scale.push_back(grid.scale);
        zero.push_back(static_cast<float>(grid.zero_point));
    }
    const at::Tensor step = spread(to_tensor(scale), x), offset = spread(to_tensor(zero), x);
    const at::Tensor hard =
        ((at::round(clipped.detach() / step) + offset).clamp(0.0, top) - offset) * step;
    return clipped + (hard - clipped).detach();
}

at::Tensor LearnableStep::dsq(const at::Tensor& x, double progress) const {
    const Ends now = ends();
    const double top = largest_code(start_.scheme.bits);
    const at::Tensor low = spread(now.low, x), width = spread((now.high - now.low) / top, x);
    const double bound = softest * std::pow(hardest / softest, progress);
    const at::Tensor alpha = spread(at::sigmoid(leaves_.back()) * bound, x);
    // tanh(k (x - m)) / tanh(k width / 2), with k width = log(2 / alpha - 1).
    const at::Tensor place =
        ((at::maximum(at::minimum(x, spread(now.high, x)), low)) - low) / width;
    const at::Tensor stair = at::floor(place.detach()).clamp(0.0, top - 1);
    const at::Tensor phi =
        at::tanh((2.0 / alpha - 1.0).log() * (place - stair - 0.5)) / (1.0 - alpha);
    return low + width * (stair + (phi + 1.0) / 2.0);
}

at::Tensor LearnableStep::penalty() const {
    if (form_ != StepForm::pact) return at::zeros({});
    at::Tensor sum = leaves_[0].square().sum();
    if (leaves_.size() > 1) sum = sum + leaves_[1].square().sum();
    return sum;
}

Quantizer LearnableStep::quantizer() const {
    Quantizer now = start_;
    const SiteScheme& scheme = now.scheme;
    const auto value = [](const at::Tensor& x, std::size_t i) {
        return x.detach()[static_cast<std::int64_t>(i)].item<float>();
    };
    for (std::size_t i = 0; i < now.grids.size(); ++i) {
        if (form_ == StepForm::lsq) {
            const float top = static_cast<float>(largest_code(scheme.bits));
            now.grids[i].scale = std::exp(value(leaves_[0], i));
            if (leaves_.size() > 1) {
                const float zero = value(first_zero_, i) + value(leaves_[1], i) * top;
                now.grids[i].zero_point =
                    static_cast<std::int32_t>(std::nearbyint(std::clamp(zero, 0.0F, top)));
            }
            continue;
        }
        if (scheme.symmetry == Symmetry::symmetric) {  // its range is not centred, its grid is
            now.grids[i].scale *= std::max(value(leaves_[0], i), smallest_end);
            continue;
        }
        const Ends at_end = ends();
        now.grids[i] = grid_from_range(value(at_end.low, i), value(at_end.high, i), scheme.bits,
                                       scheme.symmetry);
    }
    return now;
}

}  // namespace aocq::quant
