// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/PowerOfTwoFactor.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "core/Text.hpp"
#include "quant/Simulate.hpp"
#include "quant/kernels/PowerOfTwo.hpp"

namespace aocq::quant {
namespace {

struct Options {
    std::vector<std::string> kinds;
    int factors = 3;
    ZeroFrom zero = ZeroFrom::widest;
};

// One site's candidates and what each would cost each channel.
class Candidates {
  public:
    Candidates(Site site, const SiteScheme& scheme, std::vector<Grid> grids)
        : site_(std::move(site)), scheme_(scheme), grids_(std::move(grids)) {}

    // Adds the square errors of x, any batch of the site's values.
    void add(const at::Tensor& x) {
        const Layout layout = layout_of(scheme_, site_, x.sizes().vec());
        const at::Tensor cut =
            x.reshape({layout.outer, layout.channels, layout.inner}).contiguous();
        Quantizer one{site_.name, scheme_, {}, true};
        one.scheme.granularity = Granularity::tensor;
        std::vector<at::Tensor> errors;
        for (const Grid& grid : grids_) {
            one.grids = {grid};
            const at::Tensor missed = fake_quantize(cut, site_, one) - cut;
            errors.push_back(
                missed.square_().sum(at::IntArrayRef{0, 2}, false, at::kDouble).to(at::kCPU));
        }
        const at::Tensor sum = at::stack(errors);
        errors_ = errors_.defined() ? errors_ + sum : sum;
        per_channel_ += layout.outer * layout.inner;
    }

    // A grid per channel; ties go to the finer one.
    std::vector<Grid> best() const {
        const at::Tensor places = chosen().contiguous();
        std::vector<Grid> found;
        for (std::int64_t c = 0; c < places.numel(); ++c)
            found.push_back(
                grids_[static_cast<std::size_t>(places.const_data_ptr<std::int64_t>()[c])]);
        return found;
    }

    // Mean square errors with the widest grid for all, and with each channel's own.
    Json report() const {
        const double values = static_cast<double>(per_channel_ * errors_.size(1));
        const double after = errors_.gather(0, chosen().unsqueeze(0)).sum().item<double>();
        return {{"before", errors_[-1].sum().item<double>() / values}, {"after", after / values}};
    }

  private:
    // [channels]: at::argmin promises no order among equals, so count what is not better.
    at::Tensor chosen() const {
        AOCQ_EXPECT(errors_.defined());
        at::Tensor place = at::zeros({errors_.size(1)}, at::kLong);
        at::Tensor least = errors_[0];
        for (std::int64_t k = 1; k < errors_.size(0); ++k) {
            const at::Tensor better = errors_[k] < least;
            place = at::where(better, at::full_like(place, k), place);
            least = at::where(better, errors_[k], least);
        }
        return place;
    }

    Site site_;
    SiteScheme scheme_;
    std::vector<Grid> grids_;
    at::Tensor errors_;  // [grids, channels] f64
    std::int64_t per_channel_ = 0;
};

using Chosen = std::map<std::pair<std::size_t, nn::Operand>, Candidates>;

class Measuring : public nn::OperandPolicy {
  public:
    explicit Measuring(Chosen& sites) : sites_(sites) {}
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override {
        if (const auto found = sites_.find({node, which}); found != sites_.end())
            found->second.add(x);
        return x;
    }

  private:
    Chosen& sites_;
};

class PowerOfTwoFactor : public Pass {
  public:
    explicit PowerOfTwoFactor(Options options) : options_(std::move(options)) {}

    Json parameters() const override {
        return {{"kind", options_.kinds},
                {"factors", options_.factors},
                {"zero_point", zero_from_names.name(options_.zero)}};
    }
    Needs needs() const override { return {.images = true}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        Chosen chosen = choose(context, model.quantization);
        if (chosen.empty()) return report;
        measure(context, model, chosen);
        for (const Site& site : context.sites) {
            const auto found = chosen.find({site.node, site.operand});
            if (found == chosen.end()) continue;
            Quantizer& quantizer = *model.quantization.find(site.name);
            quantizer.grids = found->second.best();
            quantizer.fitted = true;
            report[site.name] = found->second.report();
        }
        return report;
    }

  private:
    Chosen choose(const PassContext& context, const Quantization& quantization) const {
        Chosen chosen;
        for (const Site& site : context.sites) {
            const Quantizer* quantizer = quantization.find(site.name);
            if (!quantizer || site.is_weight() || !in_scope(context, site) || !is_wanted(site))
                continue;
            const SiteScheme& scheme = quantizer->scheme;
            if (scheme.mode != Mode::fixed || scheme.granularity != Granularity::channel) continue;
            const auto& statistics = context.statistics.sites;
            const auto seen =
                std::find_if(statistics.begin(), statistics.end(),
                             [&](const store::SiteStatistics& s) { return s.site == site.name; });
            AOCQ_EXPECT(seen != statistics.end());
            std::vector<Grid> grids =
                power_of_two_grids({seen->minimum, seen->maximum}, scheme.bits, scheme.symmetry,
                                   options_.factors, options_.zero);
            chosen.try_emplace({site.node, site.operand}, site, scheme, std::move(grids));
        }
        return chosen;
    }

    bool is_wanted(const Site& site) const {
        return std::any_of(options_.kinds.begin(), options_.kinds.end(), [&](const auto& kind) {
            return glob_match(kind, site_kinds.name(site.kind));
        });
    }

    // The float model over all calibration images.
    static void measure(const PassContext& context, const QuantizedModel& model, Chosen& chosen) {
        AOCQ_EXPECT(context.walk);
        const nn::Graph graph = nn::edited(context.graph, model.edits);
        const nn::Parameters parameters = teacher_parameters(context.parameters, model);
        Measuring policy(chosen);
        context.walk->batches()([&](const at::Tensor& images) {
            context.may_stop();
            nn::forward(graph, parameters, images, &policy);
        });
    }

    Options options_;
};

}  // namespace

std::unique_ptr<Pass> make_power_of_two_factor(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave out its level, or set factors = 0"));
    }
    Options options;
    options.kinds = fields.texts("kind");
    if (!fields.has("kind")) options.kinds = {"residual"};
    options.factors = static_cast<int>(fields.integer("factors", 0, 8, options.factors));
    options.zero = fields.choice<ZeroFrom>("zero_point", zero_from_names, options.zero);
    fields.finish();
    return std::make_unique<PowerOfTwoFactor>(std::move(options));
}

}  // namespace aocq::quant
