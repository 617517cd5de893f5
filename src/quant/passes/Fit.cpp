// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Fit.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/Text.hpp"
#include "quant/kernels/LogQuant.hpp"
#include "quant/kernels/Observers.hpp"
#include "quant/kernels/RangeSearch.hpp"
#include "quant/kernels/TwinQuant.hpp"
#include "quant/passes/ObserverFields.hpp"

namespace aocq::quant {
namespace {

const store::SiteStatistics& statistics_of(const PassContext& context, const std::string& site) {
    const auto& all = context.statistics.sites;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const store::SiteStatistics& s) { return s.site == site; });
    AOCQ_EXPECT(found != all.end());
    return *found;
}

// Heads of an attention operand: those of the SplitHeads that made it, or one channel each for
// probabilities.
std::int64_t heads_of(const PassContext& context, const Site& site,
                      const store::SiteStatistics& statistics) {
    if (site.kind == SiteKind::attention_probability || site.kind == SiteKind::attention_score)
        return static_cast<std::int64_t>(statistics.channel_min.size());
    const nn::Node& consumer = context.graph.nodes()[site.node];
    const nn::ValueId value = consumer.inputs[site.operand == nn::Operand::second ? 1 : 0];
    for (const nn::Node& node : context.graph.nodes()) {
        if (node.output != value) continue;
        if (const auto* split = std::get_if<nn::SplitHeads>(&node.op)) return split->heads;
    }
    AOCQ_ASSERT(!"an attention operand comes from SplitHeads");
    return 0;
}

// Channel ranges joined to one range per part.
std::vector<Range> join_ranges(const std::vector<Range>& channels, std::int64_t parts) {
    const std::size_t each = channels.size() / static_cast<std::size_t>(parts);
    std::vector<Range> joined;
    for (std::size_t first = 0; first < channels.size(); first += each) {
        Range range = channels[first];
        for (std::size_t i = first + 1; i < first + each; ++i) {
            range.low = std::min(range.low, channels[i].low);
            range.high = std::max(range.high, channels[i].high);
        }
        joined.push_back(range);
    }
    return joined;
}

double mean_square_error(std::span<const float> samples, const SiteScheme& scheme, Range range) {
    if (samples.empty()) return 0;
    const RangeObjective objective{samples, scheme.bits, scheme.symmetry, 2.0};
    return objective(range) / static_cast<double>(samples.size());
}

// The scale of a logarithmic grid: the largest value, or with a searching observer what gives the
// samples the smallest error.
Grid fit_log(const store::SiteStatistics& statistics, const SiteScheme& scheme,
             const ObserverOptions& options) {
    const float largest = std::max(statistics.maximum, std::numeric_limits<float>::min());
    Grid best{largest, 0};
    if (options.observer != Observer::mse && options.observer != Observer::omse) return best;
    std::vector<float> found(statistics.samples.size());
    double least = std::numeric_limits<double>::infinity();
    for (const double factor : linear_factors(0.35, options.steps)) {
        const LogGrid grid{static_cast<float>(largest * factor),
                           scheme.codec == Codec::log2 ? LogBase::two : LogBase::sqrt2,
                           scheme.zero};
        fake_quant_log(statistics.samples, found, grid, scheme.bits);
        double error = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            error += std::pow(std::abs(found[i] - statistics.samples[i]), options.power);
        }
        if (error < least) {
            least = error;
            best.scale = grid.scale;
        }
    }
    return best;
}

// The two grids of a twin codec: what the samples ask for, and the extremes.
std::vector<Grid> fit_twin(const store::SiteStatistics& statistics, const Site& site, int bits) {
    const TwinGrid grid = site.kind == SiteKind::attention_probability
                              ? fit_twin_of_probabilities(statistics.samples, bits)
                              : twin_of_signs(statistics.minimum, statistics.maximum, bits);
    return {grid.lower, grid.upper};
}

class Fit : public Pass {
  public:
    Fit(ObserverOptions activations, ObserverOptions weights, std::vector<std::string> skipped)
        : activations_(activations), weights_(weights), skipped_(std::move(skipped)) {}

    Json parameters() const override {
        Json all = {{"activations", describe(activations_)}, {"weights", describe(weights_)}};
        if (!skipped_.empty()) all["skip"] = skipped_;
        return all;
    }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        for (const Site& site : context.sites) {
            Quantizer* quantizer = model.quantization.find(site.name);
            if (!quantizer || !in_scope(context, site) || quantizer->scheme.mode == Mode::dynamic)
                continue;
            if (is_skipped(site)) continue;
            if (quantizer->scheme.codec == Codec::log_int) {
                model.quantization.count_in_steps_of_scores(site);
                report[site.name] = {{"scale", quantizer->grids.front().scale}};
            } else {
                report[site.name] = site.is_weight() ? fit_weight(context, site, *quantizer, model)
                                                     : fit_activation(context, site, *quantizer);
            }
            quantizer->fitted = true;
        }
        return report;
    }

  private:
    bool is_skipped(const Site& site) const {
        return std::any_of(skipped_.begin(), skipped_.end(), [&](const std::string& kind) {
            return glob_match(kind, site_kinds.name(site.kind));
        });
    }

    Json fit_activation(const PassContext& context, const Site& site, Quantizer& quantizer) const {
        const auto& statistics = statistics_of(context, site.name);
        const SiteScheme& scheme = quantizer.scheme;
        if (is_twin(scheme.codec)) {
            quantizer.grids = fit_twin(statistics, site, scheme.bits);
            return {{"lower", quantizer.grids[0].scale}, {"upper", quantizer.grids[1].scale}};
        }
        if (is_log(scheme.codec)) {
            quantizer.grids = {fit_log(statistics, scheme, activations_)};
            return {{"scale", quantizer.grids.front().scale}};
        }
        std::vector<Range> ranges;
        if (scheme.granularity == Granularity::tensor) {
            ranges = {observe_range(statistics, scheme.bits, scheme.symmetry, activations_)};
        } else {
            ranges = observe_channel_ranges(statistics, activations_);
            if (scheme.granularity == Granularity::head) {
                ranges = join_ranges(ranges, heads_of(context, site, statistics));
            }
        }
        quantizer.grids.clear();
        for (const Range& range : ranges) {
            quantizer.grids.push_back(
                grid_from_range(range.low, range.high, scheme.bits, scheme.symmetry));
        }
        if (ranges.size() != 1) return {{"parts", ranges.size()}};
        // Objective: mean square error of the samples, with the plain extremes and with what was
        // chosen.
        return {{"before", mean_square_error(statistics.samples, scheme,
                                             {statistics.minimum, statistics.maximum})},
                {"after", mean_square_error(statistics.samples, scheme, ranges.front())}};
    }

    Json fit_weight(const PassContext& context, const Site& site, Quantizer& quantizer,
                    const QuantizedModel& model) const {
        const at::Tensor weight =
            find_parameter(context, model, site.parameter).to(at::kCPU).contiguous();
        const std::span<const float> values(weight.const_data_ptr<float>(),
                                            static_cast<std::size_t>(weight.numel()));
        const Layout layout = layout_of(quantizer.scheme, site, weight.sizes().vec());
        quantizer.grids =
            fit_rows(values, layout, quantizer.scheme.bits, quantizer.scheme.symmetry, weights_);
        return {{"parts", quantizer.grids.size()}};
    }

    ObserverOptions activations_, weights_;
    std::vector<std::string> skipped_;  // kinds
};

}  // namespace

std::unique_ptr<Pass> make_fit(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave out its level: every method needs it"));
    }
    const ObserverOptions options = observer_from(fields, Observer::minmax);
    ObserverOptions weights = options;
    if (options.observer == Observer::ema) weights.observer = Observer::minmax;
    weights.observer = fields.choice<Observer>("weight_observer", observer_names, weights.observer);
    if (weights.observer == Observer::ema) {
        fields.fail("weight_observer",
                    Error::config("a running average has no meaning for weights").found("ema"));
    }
    std::vector<std::string> skipped = fields.texts("skip");
    fields.finish();
    return std::make_unique<Fit>(options, weights, std::move(skipped));
}

}  // namespace aocq::quant
