// SPDX-License-Identifier: Apache-2.0
#include "quant/Quantization.hpp"

#include <fmt/format.h>

#include "core/Text.hpp"

namespace aocq::quant {

Quantization::Quantization(const std::vector<Site>& sites, const std::vector<SiteScheme>& schemes) {
    AOCQ_EXPECT(sites.size() == schemes.size());
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (!schemes[i].quantized) continue;
        assignments_[sites[i].name] = quantizers_.size();
        quantizers_.push_back({sites[i].name, schemes[i], {}, schemes[i].mode == Mode::dynamic});
    }
}

const Quantizer* Quantization::find(const std::string& site) const {
    const auto found = assignments_.find(site);
    return found == assignments_.end() ? nullptr : &quantizers_[found->second];
}

Quantizer* Quantization::find(const std::string& site) {
    const auto found = assignments_.find(site);
    return found == assignments_.end() ? nullptr : &quantizers_[found->second];
}

void Quantization::share(const std::string& site, const std::string& other) {
    const auto found = assignments_.find(other);
    AOCQ_EXPECT(found != assignments_.end());
    assignments_[site] = found->second;
}

void Quantization::count_in_steps_of_scores(const Site& probability) {
    AOCQ_EXPECT(probability.softmax.has_value());
    const Quantizer* scores = find(probability.softmax->scores);
    Quantizer* quantizer = find(probability.name);
    AOCQ_EXPECT(scores && scores->fitted && scores->grids.size() == 1);
    AOCQ_EXPECT(quantizer && quantizer->scheme.codec == Codec::log_int);
    quantizer->grids = {{scores->grids.front().scale, 0}};
}

std::size_t node_of(const Site& site, const SiteScheme& scheme) {
    if (scheme.codec != Codec::log_int) return site.node;
    AOCQ_EXPECT(site.softmax.has_value());
    return site.softmax->node;
}

void Quantization::require_fitted() const {
    std::vector<std::string> open;
    for (const auto& [site, index] : assignments_) {
        if (!quantizers_[index].fitted) open.push_back(site);
    }
    if (open.empty()) return;
    throw Error::config("no pass of the method fitted a site that is to be quantized")
        .because(fmt::format("{} of {} sites", open.size(), assignments_.size()))
        .advise("add the pass 'fit', or leave the site float with a rule (quantize = false)")
        .at("site", open.front());
}

namespace {

// Values of `from` win; they move to where the replaced ones are.
void put_over(nn::Parameters& parameters, const nn::Parameters& from) {
    if (parameters.empty()) return;
    const at::Device device = parameters.begin()->second.device();
    for (const auto& [name, tensor] : from) parameters[name] = tensor.to(device);
}

}  // namespace

nn::Parameters teacher_parameters(const nn::Parameters& parameters, const QuantizedModel& model) {
    nn::Parameters merged = parameters;
    put_over(merged, nn::neutral_parameters(model.edits));
    put_over(merged, model.balanced);
    return merged;
}

nn::Parameters student_parameters(const nn::Parameters& parameters, const QuantizedModel& model) {
    nn::Parameters merged = teacher_parameters(parameters, model);
    put_over(merged, model.changed);
    return merged;
}

Layout layout_of(const SiteScheme& scheme, const Site& site,
                 const std::vector<std::int64_t>& sizes) {
    std::int64_t total = 1;
    for (const auto extent : sizes) total *= extent;
    AOCQ_EXPECT(!sizes.empty() && total > 0);
    switch (scheme.granularity) {
        case Granularity::tensor:
            return {1, 1, total};
        case Granularity::head:  // [B, H, N, D]
            AOCQ_EXPECT(sizes.size() == 4);
            return {sizes[0], sizes[1], sizes[2] * sizes[3]};
        case Granularity::token:
            return {1, total / sizes.back(), sizes.back()};
        case Granularity::group: {
            const std::int64_t row = total / sizes[0];
            if (row % scheme.group != 0) {
                throw Error::config("the group size does not divide a row of the weight")
                    .at("site", site.name)
                    .found(fmt::format("{} / {}", row, scheme.group));
            }
            return {1, total / scheme.group, scheme.group};
        }
        case Granularity::part:
            if (sizes[0] % scheme.group != 0) {
                throw Error::config("the number of parts does not divide the outputs of the weight")
                    .at("site", site.name)
                    .found(fmt::format("{} / {}", sizes[0], scheme.group));
            }
            return {1, scheme.group, total / scheme.group};
        case Granularity::channel:
            break;
    }
    if (site.is_weight()) return {1, sizes[0], total / sizes[0]};
    if (site.kind == SiteKind::patch_input || site.kind == SiteKind::patch_output)
        return {sizes[0], sizes[1], total / (sizes[0] * sizes[1])};
    return {total / sizes.back(), sizes.back(), 1};
}

}  // namespace aocq::quant
