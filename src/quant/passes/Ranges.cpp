// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Ranges.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/kernels/Candidates.hpp"
#include "quant/kernels/LogQuant.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "quant/kernels/TwinQuant.hpp"
#include "quant/passes/MiniBatch.hpp"

namespace aocq::quant {
namespace {

std::span<const float> values_of(const at::Tensor& x) {
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

double log_error(std::span<const float> x, const SiteScheme& scheme, float scale, double power) {
    const LogGrid grid{scale, scheme.codec == Codec::log2 ? LogBase::two : LogBase::sqrt2,
                       scheme.zero};
    std::vector<float> found(x.size());
    fake_quant_log(x, found, grid, scheme.bits);
    double error = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
        error += std::pow(std::abs(static_cast<double>(found[i]) - x[i]), power);
    return error;
}

float observe_log_scale(std::span<const float> x, const SiteScheme& scheme,
                        const ObserverOptions& options) {
    const auto usable = [](float end) { return std::max(end, std::numeric_limits<float>::min()); };
    if (options.observer != Observer::candidates) {
        const auto tensor = Layout::per_tensor(static_cast<std::int64_t>(x.size()));
        const Grid grid = fit_rows(x, tensor, scheme.bits, Symmetry::asymmetric, options).front();
        return usable(range_of(grid, scheme.bits).high);
    }
    std::vector<float> values(x.begin(), x.end());
    const Range best = best_candidate(values, [&](Range range) {
        return log_error(x, scheme, usable(range.high), options.power);
    });
    return usable(best.high);
}

std::vector<Grid> fit_twin(const at::Tensor& x, const Site& site, int bits) {
    const at::Tensor flat = x.reshape({-1}).to(at::kCPU).contiguous();
    const auto [low, high] = at::aminmax(flat);
    const TwinGrid grid = site.kind == SiteKind::attention_probability
                              ? fit_twin_of_probabilities(values_of(flat), bits)
                              : twin_of_signs(low.item<float>(), high.item<float>(), bits);
    return {grid.lower, grid.upper};
}

}  // namespace

Range fit_range(const at::Tensor& x, int bits, Symmetry symmetry, std::int64_t most, int steps) {
    const at::Tensor flat = x.reshape({-1}).contiguous();
    const auto [low, high] = at::aminmax(flat);
    const Range full{low.item<float>(), high.item<float>()};
    const at::Tensor taken = spaced_rows(flat, 0, most).to(at::kCPU);
    const std::span<const float> values = values_of(taken);
    std::vector<float> samples(values.begin(), values.end());
    samples.push_back(full.low);
    samples.push_back(full.high);
    return search_ends({samples, bits, symmetry, 2.0}, full, search_factors(steps));
}

void fit_quantizer(const at::Tensor& x, const Site& site, Quantizer& quantizer) {
    const SiteScheme& scheme = quantizer.scheme;
    quantizer.fitted = true;
    if (scheme.mode == Mode::dynamic) return;
    if (is_twin(scheme.codec)) {
        quantizer.grids = fit_twin(x, site, scheme.bits);
        return;
    }
    if (is_log(scheme.codec)) {
        quantizer.grids = {{std::max(x.max().item<float>(), std::numeric_limits<float>::min()), 0}};
        return;
    }
    const Layout layout = layout_of(scheme, site, x.sizes().vec());
    const at::Tensor cut = x.reshape({layout.outer, layout.channels, layout.inner});
    quantizer.grids.clear();
    for (std::int64_t c = 0; c < layout.channels; ++c) {
        const Range range = fit_range(cut.select(1, c), scheme.bits, scheme.symmetry);
        quantizer.grids.push_back(
            grid_from_range(range.low, range.high, scheme.bits, scheme.symmetry));
    }
}

void observe(const at::Tensor& x, const Site& site, Quantizer& quantizer,
             const ObserverOptions& options, RangeEnds ends) {
    const SiteScheme& scheme = quantizer.scheme;
    quantizer.fitted = true;
    if (scheme.mode == Mode::dynamic) return;
    const at::Tensor values = x.to(at::kCPU, at::kFloat).contiguous();
    if (is_twin(scheme.codec)) {
        quantizer.grids = fit_twin(values, site, scheme.bits);
        return;
    }
    if (is_log(scheme.codec)) {
        quantizer.grids = {{observe_log_scale(values_of(values), scheme, options), 0}};
        return;
    }
    const Layout layout = layout_of(scheme, site, values.sizes().vec());
    quantizer.grids =
        fit_rows(values_of(values), layout, scheme.bits, scheme.symmetry, options, ends);
}

void fit_weight_quantizer(const at::Tensor& weight, const Site& site, Quantizer& quantizer,
                          int steps) {
    const at::Tensor values = weight.to(at::kCPU, at::kFloat).contiguous();
    const Layout layout = layout_of(quantizer.scheme, site, values.sizes().vec());
    ObserverOptions options;
    options.observer = Observer::mse;
    options.steps = steps;
    quantizer.grids = fit_rows(values_of(values), layout, quantizer.scheme.bits,
                               quantizer.scheme.symmetry, options);
    quantizer.fitted = true;
}

}  // namespace aocq::quant
