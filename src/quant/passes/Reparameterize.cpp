// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Reparameterize.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "quant/passes/ObserverFields.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

at::Tensor to_tensor(const std::vector<double>& values) {
    return at::tensor(at::ArrayRef<double>(values.data(), values.size()), at::kDouble);
}

double mean_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

class BlockReparameterization {
  public:
    BlockReparameterization(const ObserverOptions& weights, const PassContext& context,
                            QuantizedModel& model, std::size_t block)
        : weights_(weights), context_(context), model_(model), block_(block) {}

    void apply(Json& report) {
        for (const BalanceSite& site : find_balance_sites(context_, block_)) {
            if (site.kind != BalanceKind::norm) continue;
            context_.may_stop();
            const Quantizer* input = input_of(site.consumers.front());
            if (!input || input->scheme.granularity != Granularity::channel) continue;
            merge(site, *input, report);
        }
    }

  private:
    Quantizer* quantizer(std::size_t node, nn::Operand operand) {
        return model_.quantization.find(find_site(context_, node, operand).name);
    }
    Quantizer* input_of(std::size_t node) { return quantizer(node, nn::Operand::first); }

    void merge(const BalanceSite& site, const Quantizer& input, Json& report) {
        require_asymmetric(site, input);
        const bool shifts = may_shift(site);
        const Reparameterization found = shifts ? reparameterized(input.grids, input.scheme.bits)
                                                : rescaled(input.grids, input.scheme.bits);
        fold(context_, site, found.balance, model_);
        for (const std::size_t node : site.consumers) {
            if (Quantizer* q = input_of(node)) {
                q->scheme.granularity = Granularity::tensor;
                q->grids = {found.grid};
            }
            refit_weight(node);
            report[context_.graph.nodes()[node].name + ":input"] = {
                {"scale", found.grid.scale},
                {"largest_ratio", found.balance.scale.max().item<double>()},
                {"smallest_ratio", found.balance.scale.min().item<double>()},
                {"shifted", shifts}};
        }
    }

    void require_asymmetric(const BalanceSite& site, const Quantizer& input) const {
        if (input.scheme.symmetry == Symmetry::asymmetric && input.fitted) return;
        throw Error::config("the channels' grids cannot be made one")
            .because("that takes fitted asymmetric grids")
            .advise(
                "put sequential_fit with norm_inputs = \"channel\" before, and leave the "
                "inputs of linear layers asymmetric")
            .at("node", context_.graph.nodes()[site.consumers.front()].name);
    }

    // Zeros that pad a map to whole windows would have to move with the shift.
    bool may_shift(const BalanceSite& site) const {
        if (site.window == 0) return true;
        nn::RunOptions options;
        options.first = context_.graph.blocks()[block_].first;
        options.last = site.producer + 1;
        const at::Tensor image = context_.walk->teacher(block_).slice(0, 0, 1);
        return fits_windows(site, nn::run(context_.graph, context_.parameters,
                                          {{context_.walk->entrance(block_), image}}, options)
                                      .begin()
                                      ->second);
    }

    void refit_weight(std::size_t node) {
        Quantizer* q = quantizer(node, nn::Operand::weight);
        if (!q) return;
        const Site& site = find_site(context_, node, nn::Operand::weight);
        observe(find_parameter(context_, model_, site.parameter), site, *q, weights_);
    }

    const ObserverOptions& weights_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t block_;
};

class Reparameterize : public Pass {
  public:
    explicit Reparameterize(ObserverOptions weights) : weights_(weights) {}

    Json parameters() const override { return {{"weights", describe(weights_)}}; }
    // To see whether windows pad their map.
    Needs needs() const override { return {.images = true}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        for (const std::size_t block : blocks_in_scope(context))
            BlockReparameterization(weights_, context, model, block).apply(report);
        return report;
    }

  private:
    ObserverOptions weights_;
};

}  // namespace

Reparameterization reparameterized(std::span<const Grid> channels, int bits) {
    AOCQ_EXPECT(!channels.empty());
    std::vector<double> scales, zeros;
    for (const Grid& grid : channels) {
        scales.push_back(grid.scale);
        zeros.push_back(grid.zero_point);
    }
    const double zero = std::clamp<double>(std::nearbyint(mean_of(zeros)), 0, largest_code(bits));
    const Grid grid{static_cast<float>(mean_of(scales)), static_cast<std::int32_t>(zero)};
    std::vector<double> ratios, shifts;
    for (std::size_t c = 0; c < channels.size(); ++c) {
        ratios.push_back(scales[c] / static_cast<double>(grid.scale));
        shifts.push_back((zero - zeros[c]) * scales[c]);
    }
    return {{to_tensor(ratios), to_tensor(shifts)}, grid};
}

Reparameterization rescaled(std::span<const Grid> channels, int bits) {
    AOCQ_EXPECT(!channels.empty());
    std::vector<Range> ranges;
    std::vector<double> magnitudes;
    for (const Grid& grid : channels) {
        ranges.push_back(range_of(grid, bits));
        magnitudes.push_back(std::max(std::abs(static_cast<double>(ranges.back().low)),
                                      std::abs(static_cast<double>(ranges.back().high))));
    }
    const double mean = mean_of(magnitudes);
    std::vector<double> ratios;
    double low = 0, high = 0;
    for (std::size_t c = 0; c < channels.size(); ++c) {
        ratios.push_back(magnitudes[c] / mean);
        low = std::min(low, ranges[c].low / ratios.back());
        high = std::max(high, ranges[c].high / ratios.back());
    }
    const at::Tensor scale = to_tensor(ratios);
    return {{scale, at::zeros_like(scale)},
            grid_from_range(static_cast<float>(low), static_cast<float>(high), bits,
                            Symmetry::asymmetric)};
}

std::unique_ptr<Pass> make_reparameterize(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave it out of the list of passes instead"));
    }
    const ObserverOptions weights = raw_observer_from(fields, Observer::candidates);
    fields.finish();
    return std::make_unique<Reparameterize>(weights);
}

}  // namespace aocq::quant
