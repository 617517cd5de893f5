// SPDX-License-Identifier: Apache-2.0
#include "quant/Artefact.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

namespace aocq::quant {

// Friend of Quantization: the one place that takes it apart and puts it together.
struct ArtefactCodec {
    static Json describe(const Quantization& q) {
        Json quantizers = Json::array();
        for (const Quantizer& quantizer : q.quantizers_) {
            quantizers.push_back({{"id", quantizer.id},
                                  {"scheme", to_json(quantizer.scheme)},
                                  {"fitted", quantizer.fitted}});
        }
        return {{"quantizers", quantizers}, {"sites", q.assignments_}};
    }

    static void read(Quantization& q, Fields fields, const store::Bundle& bundle) {
        for (Fields& entry : fields.objects("quantizers")) {
            Quantizer quantizer;
            quantizer.id = entry.text("id");
            quantizer.scheme = scheme_from_json(entry.object("scheme"));
            quantizer.fitted = entry.flag("fitted", false);
            entry.finish();
            read_grids(quantizer, q.quantizers_.size(), bundle);
            q.quantizers_.push_back(std::move(quantizer));
        }
        const Json sites = fields.value("sites");
        for (const auto& [site, index] : sites.items()) {
            if (!index.is_number_unsigned() || index.get<std::size_t>() >= q.quantizers_.size()) {
                throw Error::input("damaged artefact")
                    .because("a site names no quantizer")
                    .at("site", site);
            }
            q.assignments_[site] = index.get<std::size_t>();
        }
        fields.finish();
    }

    static void read_grids(Quantizer& quantizer, std::size_t index, const store::Bundle& bundle) {
        const auto& scales = bundle.values<float>(fmt::format("quantizers/{}/scale", index));
        const auto& zeros =
            bundle.values<std::int32_t>(fmt::format("quantizers/{}/zero_point", index));
        if (scales.size() != zeros.size()) {
            throw Error::input("damaged artefact")
                .because("scales and zero points differ in number");
        }
        for (std::size_t i = 0; i < scales.size(); ++i) {
            if (!(scales[i] > 0) || !std::isfinite(scales[i])) {
                throw Error::input("damaged artefact")
                    .because("a scale is not positive")
                    .at("quantizer", quantizer.id);
            }
            quantizer.grids.push_back({scales[i], zeros[i]});
        }
    }
};

namespace {

constexpr std::string_view balanced_prefix = "balanced/";
constexpr std::string_view changed_prefix = "parameters/";

void add_parameters(store::Bundle& bundle, std::string_view prefix,
                    const nn::Parameters& parameters) {
    for (const auto& [name, tensor] : parameters) {
        const at::Tensor values = tensor.to(at::kCPU).contiguous();
        const float* data = values.const_data_ptr<float>();
        bundle.arrays.push_back({fmt::format("{}{}", prefix, name),
                                 {values.sizes().begin(), values.sizes().end()},
                                 std::vector<float>(data, data + values.numel())});
    }
}

nn::Parameters parameters_below(const store::Bundle& bundle, std::string_view prefix) {
    nn::Parameters parameters;
    for (const auto& array : bundle.arrays) {
        if (!array.name.starts_with(prefix)) continue;
        const std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
        const auto& values = bundle.values<float>(array.name);
        parameters[array.name.substr(prefix.size())] =
            at::tensor(at::ArrayRef<float>(values.data(), values.size())).view(shape);
    }
    return parameters;
}

}  // namespace

store::Bundle to_bundle(const QuantizedModel& model, Json provenance) {
    store::Bundle bundle;
    bundle.kind = "artefact";
    bundle.attributes = {{"provenance", std::move(provenance)},
                         {"quantization", ArtefactCodec::describe(model.quantization)},
                         {"report", model.report}};
    for (const nn::GraphEdit& edit : model.edits) {
        bundle.attributes["edits"].push_back({{"kind", nn::edit_kinds.name(edit.kind)},
                                              {"node", edit.node},
                                              {"channels", edit.channels}});
    }
    const auto& quantizers = model.quantization.quantizers();
    for (std::size_t i = 0; i < quantizers.size(); ++i) {
        std::vector<float> scales;
        std::vector<std::int32_t> zeros;
        for (const Grid& grid : quantizers[i].grids) {
            scales.push_back(grid.scale);
            zeros.push_back(grid.zero_point);
        }
        const std::vector<std::uint64_t> shape{scales.size()};
        bundle.arrays.push_back({fmt::format("quantizers/{}/scale", i), shape, std::move(scales)});
        bundle.arrays.push_back(
            {fmt::format("quantizers/{}/zero_point", i), shape, std::move(zeros)});
    }
    add_parameters(bundle, balanced_prefix, model.balanced);
    add_parameters(bundle, changed_prefix, model.changed);
    return bundle;
}

QuantizedModel quantized_from_bundle(const store::Bundle& bundle) {
    QuantizedModel model;
    Fields fields(bundle.attributes, "");
    fields.value("provenance");
    ArtefactCodec::read(model.quantization, fields.object("quantization"), bundle);
    model.report = fields.value("report");
    for (Fields& edit : fields.objects("edits")) {
        model.edits.push_back({edit.choice<nn::EditKind>("kind", nn::edit_kinds), edit.text("node"),
                               edit.integer("channels", 1, std::int64_t{1} << 24)});
        edit.finish();
    }
    fields.finish();
    model.balanced = parameters_below(bundle, balanced_prefix);
    model.changed = parameters_below(bundle, changed_prefix);
    return model;
}

}  // namespace aocq::quant
