// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BalanceGradient.hpp"

#include "quant/Simulate.hpp"

namespace aocq::quant {
namespace {

// x's value, which grows as `width` does.
at::Tensor growing_with(const at::Tensor& x, const at::Tensor& width) {
    return x * (width / width.detach());
}

// Of values that are not negative: its gradient goes to all that are nearly the largest, where that
// of the maximum would push one channel after the other to the edge.
at::Tensor soft_maximum(const at::Tensor& x) {
    constexpr double sharpness = 16;
    const at::Tensor largest = x.detach().max().clamp_min(1e-30);
    return (x / largest).pow(sharpness).sum().clamp_min(1e-30).pow(1 / sharpness) * largest;
}

// [O, 1], with zero in every range.
at::Tensor width_of(const at::Tensor& rows) {
    return rows.amax(1, true).clamp_min(0) - rows.amin(1, true).clamp_max(0);
}

}  // namespace

at::Tensor input_loss(const Rows& rows, const Extremes& extremes, const Balance& balance,
                      float range_factor, const SiteScheme& like, const LayerError& layer) {
    const at::Tensor lows = ((balance.shift - extremes.low) / balance.scale).clamp_min(0),
                     highs = ((extremes.high - balance.shift) / balance.scale).clamp_min(0);
    const float low = lows.max().item<float>(), high = highs.max().item<float>();
    if (low == 0 && high == 0) return at::zeros({}, rows.x.options());
    const Grid grid =
        grid_from_range(-low * range_factor, high * range_factor, like.bits, like.symmetry);
    const at::Tensor width = like.symmetry == Symmetry::symmetric
                                 ? soft_maximum(at::maximum(lows, highs))
                                 : soft_maximum(lows) + soft_maximum(highs);
    // The step as the layer sees it: of the values before they were divided by the scale.
    const at::Tensor step = growing_with(at::full({}, grid.scale), width) * balance.scale;
    const at::Tensor centred = rows.x - balance.shift;
    const at::Tensor place = (centred / step).detach(), code = at::round(place);
    const double lowest = -grid.zero_point,
                 highest = static_cast<double>(largest_code(like.bits)) + lowest;
    const at::Tensor kept = code.clamp(lowest, highest);
    const at::Tensor missed = at::where(kept == code, (code - place) * step, kept * step - centred);
    return layer.differentiable(missed, rows.weights);
}

WeightLoss::WeightLoss(at::Tensor weight, at::Tensor moment, Quantizer fitted, const at::Tensor& at)
    : weight_(std::move(weight)),
      moment_(std::move(moment)),
      fitted_(std::move(fitted)),
      width_(width_of(weight_ * at)) {}

at::Tensor WeightLoss::operator()(const at::Tensor& scale) const {
    const at::Tensor scaled = weight_ * scale, width = width_of(scaled);
    const at::Tensor grown =
        (width.detach() / width_.clamp_min(1e-30)).clamp_min(1e-6).flatten().cpu();
    Quantizer now = fitted_;
    const std::size_t of_a_row = now.grids.size() / static_cast<std::size_t>(grown.numel());
    for (std::size_t i = 0; of_a_row > 0 && i < now.grids.size(); ++i)
        now.grids[i].scale *= grown.const_data_ptr<float>()[i / of_a_row];
    const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
    const at::Tensor value = scaled.detach();
    const at::Tensor missed = fake_quantize(value, site, now) - value;
    const at::Tensor difference = growing_with(missed, width.clamp_min(1e-30)) / scale;
    return (at::mm(difference, moment_) * difference).sum();
}

}  // namespace aocq::quant
