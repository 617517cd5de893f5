// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepFunction.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

#include "quant/Simulate.hpp"
#include "quant/kernels/FakeQuant.hpp"
#include "quant/kernels/StepGradient.hpp"

namespace aocq::quant {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
std::span<const T> view(const at::Tensor& x) {
    return {x.const_data_ptr<T>(), static_cast<std::size_t>(x.numel())};
}

std::span<float> writable(at::Tensor& x) {
    return {x.mutable_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

Layout layout_of_cut(const at::Tensor& x) {
    return {x.size(0), x.size(1), x.size(2)};
}

std::vector<Grid> grids_of(const at::Tensor& scale, const at::Tensor& zero) {
    std::vector<Grid> grids;
    for (std::int64_t i = 0; i < scale.numel(); ++i) {
        grids.push_back({scale.const_data_ptr<float>()[i],
                         static_cast<std::int32_t>(std::lround(zero.const_data_ptr<float>()[i]))});
    }
    return grids;
}

struct RoundToSteps : torch::autograd::Function<RoundToSteps> {
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                              const at::Tensor& scale, const at::Tensor& zero, std::int64_t bits,
                              const at::Tensor& kept) {
        const at::Tensor source = x.contiguous();
        context->save_for_backward({source, scale, zero, kept});
        context->saved_data["bits"] = bits;
        at::Tensor y = at::empty_like(source);
        fake_quant(view<float>(source), writable(y), layout_of_cut(x), grids_of(scale, zero),
                   static_cast<int>(bits));
        if (kept.numel() > 0)
            keep_values(view<float>(source), view<std::uint8_t>(kept), writable(y));
        return y;
    }

    static variable_list backward(AutogradContext* context, variable_list outer) {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &scale = saved[1], &zero = saved[2], &kept = saved[3];
        const at::Tensor gy = outer[0].contiguous();
        at::Tensor gx = at::empty_like(x);
        std::vector<StepSlopes> slopes(static_cast<std::size_t>(scale.numel()));
        fake_quant_gradient(view<float>(x), view<float>(gy), view<std::uint8_t>(kept), writable(gx),
                            layout_of_cut(x), grids_of(scale, zero),
                            static_cast<int>(context->saved_data["bits"].toInt()), slopes);
        at::Tensor of_scale = at::empty_like(scale), of_zero = at::empty_like(zero);
        for (std::size_t i = 0; i < slopes.size(); ++i) {
            of_scale.mutable_data_ptr<float>()[i] = static_cast<float>(slopes[i].scale);
            of_zero.mutable_data_ptr<float>()[i] = static_cast<float>(slopes[i].zero);
        }
        return {gx, of_scale, of_zero, {}, {}};
    }
};

// Takes the value of one and the gradient of the other.
struct StraightThrough : torch::autograd::Function<StraightThrough> {
    static at::Tensor forward(AutogradContext*, const at::Tensor& x, const at::Tensor& value) {
        return value.view_as(x);
    }
    static variable_list backward(AutogradContext*, variable_list outer) { return {outer[0], {}}; }
};

// The same on other devices than the CPU, of tensor operations.
at::Tensor with_operations(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero,
                           int bits, const at::Tensor& kept) {
    const at::Tensor step = scale.to(x.device()).view({1, -1, 1});
    const at::Tensor offset = zero.to(x.device()).view({1, -1, 1});
    const at::Tensor place = (x / step + offset).clamp(0.0, largest_code(bits));
    const at::Tensor code = place + (at::round(place) - place).detach();
    const at::Tensor y = (code - offset) * step;
    return kept.defined() ? at::where(kept.to(x.device()).to(at::kBool).view_as(x), x, y) : y;
}

}  // namespace

at::Tensor round_to_steps(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero,
                          int bits, const at::Tensor& kept) {
    if (!x.device().is_cpu()) return with_operations(x, scale, zero, bits, kept);
    // A function of autograd takes no undefined tensors.
    const at::Tensor mask = kept.defined() ? kept : at::empty({0}, at::kByte);
    return RoundToSteps::apply(x, scale, zero, std::int64_t{bits}, mask);
}

at::Tensor round_to_quantizer(const at::Tensor& x, const Site& site, const Quantizer& quantizer,
                              const at::Tensor& kept) {
    const SiteScheme& scheme = quantizer.scheme;
    if (scheme.mode == Mode::fixed && scheme.codec == Codec::uniform) {
        const Layout layout = layout_of(scheme, site, x.sizes().vec());
        std::vector<float> scale, zero;
        for (const Grid& grid : quantizer.grids) {
            scale.push_back(grid.scale);
            zero.push_back(static_cast<float>(grid.zero_point));
        }
        const auto tensor = [](const std::vector<float>& values) {
            return at::tensor(at::ArrayRef<float>(values.data(), values.size()));
        };
        return round_to_steps(x.reshape({layout.outer, layout.channels, layout.inner}),
                              tensor(scale), tensor(zero), scheme.bits, kept)
            .reshape(x.sizes());
    }
    at::Tensor value = fake_quantize(x.detach(), site, quantizer);
    if (kept.defined()) {
        value = at::where(kept.to(x.device()).to(at::kBool).view(x.sizes()), x.detach(), value);
    }
    return StraightThrough::apply(x, value);
}

}  // namespace aocq::quant
