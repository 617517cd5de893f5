// SPDX-License-Identifier: Apache-2.0
#include "quant/Simulate.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "core/Random.hpp"
#include "quant/kernels/FakeQuant.hpp"
#include "quant/kernels/LogIntSoftmax.hpp"
#include "quant/kernels/LogQuant.hpp"
#include "quant/kernels/TwinQuant.hpp"

namespace aocq::quant {
namespace {

std::span<const float> view(const at::Tensor& x) {
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

LogGrid log_grid(const Quantizer& quantizer) {
    const SiteScheme& scheme = quantizer.scheme;
    // What an integer softmax gives are powers of two as they are; its step belongs to the scores.
    if (scheme.codec == Codec::log_int) return {1.0F, LogBase::two, scheme.zero};
    return {quantizer.grids.front().scale,
            scheme.codec == Codec::log2 ? LogBase::two : LogBase::sqrt2, scheme.zero};
}

TwinGrid twin_grid(const Quantizer& quantizer) {
    AOCQ_EXPECT(quantizer.grids.size() == 2);
    return {quantizer.grids[0], quantizer.grids[1]};
}

TwinJoin join_of(Codec codec) {
    return codec == Codec::twin ? TwinJoin::disjoint : TwinJoin::added;
}

bool wants_kernel(const at::Tensor& x) {
    return x.device().is_cpu() && !(x.requires_grad() && at::GradMode::is_enabled());
}

at::Tensor with_kernel(const at::Tensor& x, const Layout& layout, const Quantizer& quantizer) {
    const at::Tensor source = x.contiguous();
    // A copy that contiguous() made is ours to overwrite; the model's own value is not.
    const bool ours = source.data_ptr() != x.data_ptr();
    const at::Tensor result = ours ? source : at::empty_like(source);
    const std::span<float> out(result.mutable_data_ptr<float>(),
                               static_cast<std::size_t>(result.numel()));
    const auto& scheme = quantizer.scheme;
    if (is_twin(scheme.codec)) {
        fake_quant_twin(view(source), out, twin_grid(quantizer), scheme.bits,
                        join_of(scheme.codec));
    } else if (is_log(scheme.codec)) {
        fake_quant_log(view(source), out, log_grid(quantizer), scheme.bits);
    } else if (scheme.mode == Mode::dynamic) {
        fake_quant_dynamic(view(source), out, layout.inner, scheme.bits, scheme.symmetry);
    } else {
        fake_quant(view(source), out, layout, quantizer.grids, scheme.bits);
    }
    return result;
}

struct GridTensors {  // [1, channels, 1] each
    at::Tensor scale, inverse, zero;
};

GridTensors static_grids(const std::vector<Grid>& grids, const at::Device& device) {
    std::vector<float> scale, inverse, zero;
    for (const Grid& grid : grids) {
        scale.push_back(grid.scale);
        inverse.push_back(1.0F / grid.scale);
        zero.push_back(static_cast<float>(grid.zero_point));
    }
    const auto tensor = [&](const std::vector<float>& values) {
        return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
            .view({1, -1, 1})
            .to(device);
    };
    return {tensor(scale), tensor(inverse), tensor(zero)};
}

// Ranges of rows are few numbers: found on the device, turned into grids by the same scalar code as
// everywhere.
GridTensors dynamic_grids(const at::Tensor& rows, const SiteScheme& scheme) {
    const at::Tensor low = std::get<0>(rows.detach().min(-1)).to(at::kCPU).contiguous();
    const at::Tensor high = std::get<0>(rows.detach().max(-1)).to(at::kCPU).contiguous();
    std::vector<Grid> grids;
    for (std::int64_t i = 0; i < low.numel(); ++i) {
        grids.push_back(grid_from_range(low.const_data_ptr<float>()[i],
                                        high.const_data_ptr<float>()[i], scheme.bits,
                                        scheme.symmetry));
    }
    return static_grids(grids, rows.device());
}

// The smallest q that means zero.
int zero_code(const LogGrid& grid, int bits) {
    return largest_code(bits) + (grid.zero == LogZero::beyond ? 1 : 0);
}

// xhat / scale of every code, the last one being zero: [zero_code + 1] f32.
at::Tensor log_powers(const LogGrid& grid, int bits) {
    std::vector<float> powers;
    for (int q = 0; q < zero_code(grid, bits); ++q) {
        if (grid.base == LogBase::two) {
            powers.push_back(std::ldexp(1.0F, -q));
        } else {
            powers.push_back(std::ldexp(q % 2 != 0 ? 0x1.6A09E6p0F : 1.0F, -(q + 1) / 2));
        }
    }
    powers.push_back(0.0F);
    return at::tensor(at::ArrayRef<float>(powers.data(), powers.size()));
}

// The kernel's arithmetic on tensors: t = m * 2^e with m in [1, 2), so the rounded logarithm is the
// exponent and a comparison of the mantissa, exactly.
at::Tensor log_value(const at::Tensor& x, const Quantizer& quantizer) {
    const LogGrid grid = log_grid(quantizer);
    const at::Tensor t = x * (1.0F / grid.scale);
    const auto [half_mantissa, exponent] = at::frexp(t);  // m/2 in [0.5, 1), e + 1
    const at::Tensor mantissa = half_mantissa * 2.0;
    const at::Tensor e = (exponent - 1).to(at::kLong);
    const auto above = [&](double threshold) { return (mantissa > threshold).to(at::kLong); };
    const at::Tensor steps = grid.base == LogBase::two
                                 ? -e - above(0x1.6A09E6p0)
                                 : e * -2 - above(0x1.306FE0p0) - above(0x1.AE89F8p0);
    const std::int64_t top = zero_code(grid, quantizer.scheme.bits);
    const at::Tensor q = at::where(t >= 0x1p-126, at::clamp(steps, 0, top), at::full_like(e, top));
    const at::Tensor value =
        log_powers(grid, quantizer.scheme.bits).to(x.device()).take(q) * grid.scale;
    return at::where(at::isnan(t), t, value);
}

at::Tensor twin_part(const at::Tensor& x, const Grid& grid, std::int32_t first, std::int32_t last) {
    const auto zero = static_cast<float>(grid.zero_point);
    const at::Tensor steps = at::clamp(x * (1.0F / grid.scale), static_cast<float>(first) - zero,
                                       static_cast<float>(last) - zero);
    return (at::round(steps) + 0.0) * grid.scale;  // never -0
}

// The twin kernel's arithmetic on tensors.
at::Tensor twin_value(const at::Tensor& x, const Quantizer& quantizer) {
    const TwinGrid grid = twin_grid(quantizer);
    const int bits = quantizer.scheme.bits;
    const std::int32_t last = largest_code(bits - 1);
    const TwinBorder border = twin_border(grid, bits);
    if (join_of(quantizer.scheme.codec) == TwinJoin::added) {
        return twin_part(at::clamp_max(x, border.top), grid.lower, 0, last) +
               twin_part(at::clamp_min(x, border.top), grid.upper, 0, last);
    }
    return at::where(x > border.border, twin_part(x, grid.upper, border.first, last),
                     twin_part(x, grid.lower, 0, last));
}

// The range in which a twin grid's gradient is one.
at::Tensor inside_twin(const at::Tensor& x, const Quantizer& quantizer) {
    const TwinGrid grid = twin_grid(quantizer);
    const std::int32_t last = largest_code(quantizer.scheme.bits - 1);
    const double low = -(grid.lower.zero_point + 0.5) * double{grid.lower.scale};
    const double high = (last - grid.upper.zero_point + 0.5) * double{grid.upper.scale};
    return at::logical_and(x >= low, x <= high).to(x.scalar_type());
}

at::Tensor with_operations(const at::Tensor& x, const Layout& layout, const Quantizer& quantizer) {
    const bool gradient = x.requires_grad() && at::GradMode::is_enabled();
    if (is_twin(quantizer.scheme.codec)) {
        const at::Tensor value = twin_value(x.detach(), quantizer);
        if (!gradient) return value;
        // Added parts may lie far from x, where passed + (value - passed) would round.
        const at::Tensor passed = x * inside_twin(x.detach(), quantizer);
        return value + (passed - passed.detach());
    }
    if (is_log(quantizer.scheme.codec)) {
        const at::Tensor value = log_value(x.detach(), quantizer);
        return gradient ? x + (value - x).detach() : value;
    }
    const at::Tensor cut = x.reshape({layout.outer, layout.channels, layout.inner});
    const auto& scheme = quantizer.scheme;
    const GridTensors grid = scheme.mode == Mode::dynamic
                                 ? dynamic_grids(cut, scheme)
                                 : static_grids(quantizer.grids, x.device());
    const double top = static_cast<double>((1 << scheme.bits) - 1);
    const at::Tensor raw = at::round(cut.detach() * grid.inverse) + grid.zero;
    const at::Tensor value =
        ((at::clamp(raw, 0.0, top) - grid.zero) * grid.scale).reshape(x.sizes());
    if (!gradient) return value;
    const at::Tensor inside =
        at::logical_and(raw >= 0, raw <= top).to(x.scalar_type()).reshape(x.sizes());
    const at::Tensor passed = x * inside;
    return passed + (value - passed).detach();
}

}  // namespace

at::Tensor fake_quantize(const at::Tensor& x, const Site& site, const Quantizer& quantizer) {
    const Layout layout = layout_of(quantizer.scheme, site, x.sizes().vec());
    return wants_kernel(x) ? with_kernel(x, layout, quantizer)
                           : with_operations(x, layout, quantizer);
}

at::Tensor integer_softmax(const at::Tensor& scores, const Quantizer& quantizer) {
    AOCQ_EXPECT(quantizer.scheme.codec == Codec::log_int && quantizer.grids.size() == 1);
    const at::Tensor source = scores.detach().to(at::kCPU).contiguous();
    at::Tensor made = at::empty_like(source);
    log_int_softmax(view(source),
                    {made.mutable_data_ptr<float>(), static_cast<std::size_t>(made.numel())},
                    source.size(-1), quantizer.grids.front().scale, quantizer.scheme.bits,
                    quantizer.scheme.zero);
    const at::Tensor value = made.to(scores.device());
    if (!scores.requires_grad() || !at::GradMode::is_enabled()) return value;
    const at::Tensor exact = at::softmax(scores, -1);
    return exact + (value - exact).detach();
}

Simulation::Simulation(const nn::Graph& graph, const nn::Parameters& parameters,
                       const QuantizedModel& model, SimulateOptions options)
    : graph_(nn::edited(graph, model.edits)),
      parameters_(student_parameters(parameters, model)),
      slots_(graph.nodes().size() * 4),
      options_(options) {
    for (const Site& site : list_sites(graph_)) {
        if (site.node < options.first || site.node >= options.last) continue;
        const Quantizer* quantizer = model.quantization.find(site.name);
        if (!quantizer) continue;
        if (!quantizer->fitted) model.quantization.require_fitted();
        if (site.is_weight()) {
            at::Tensor& weight = parameters_.at(site.parameter);
            weight = fake_quantize(weight, site, *quantizer);
        } else {
            slots_[index(node_of(site, quantizer->scheme), site.operand)] =
                std::make_unique<Slot>(Slot{site, *quantizer});
        }
    }
}

at::Tensor Simulation::softmax(std::size_t node, const at::Tensor& scores) {
    const auto& found = slots_[index(node, nn::Operand::first)];
    return found ? integer_softmax(scores, found->quantizer) : OperandPolicy::softmax(node, scores);
}

at::Tensor Simulation::operand(std::size_t node, nn::Operand which, const at::Tensor& x) {
    const auto& found = slots_[index(node, which)];
    if (!found) return x;
    const at::Tensor quantized = fake_quantize(x, found->site, found->quantizer);
    if (options_.drop <= 0) return quantized;
    // One generator per use, keyed by seed and position in the run: reruns draw the same masks.
    auto generator =
        at::detail::createCPUGenerator(options_.seed + 0x9E3779B97F4A7C15ULL * ++draws_);
    const at::Tensor keep =
        at::bernoulli(at::full(x.sizes(), options_.drop), generator).to(x.device()).to(at::kBool);
    return at::where(keep, x, quantized);
}

}  // namespace aocq::quant
