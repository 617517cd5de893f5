// SPDX-License-Identifier: Apache-2.0
#include "nn/Model.hpp"

namespace aocq::nn {
namespace {

enum class Family { vit, swin };
constexpr EnumTable<Family, 2> families{{{{Family::vit, "vit"}, {Family::swin, "swin"}}}};

std::variant<VitShape, SwinShape> shape_from(Family family, Fields& fields) {
    if (family == Family::swin) return swin_shape_from(fields);
    return vit_shape_from(fields);
}

struct Builder {
    Graph operator()(const VitShape& shape) const { return build_vit(shape); }
    Graph operator()(const SwinShape& shape) const { return build_swin(shape); }
};

}  // namespace

std::int64_t ModelSpec::image_size() const {
    return std::visit([](const auto& s) { return s.image_size; }, shape);
}

std::int64_t ModelSpec::classes() const {
    return std::visit([](const auto& s) { return s.classes; }, shape);
}

ModelSpec model_spec_from(Fields fields) {
    ModelSpec spec;
    spec.name = fields.text("name", "model");
    fields.text("description", "");
    const auto family = fields.choice<Family>("family", families);
    spec.family = families.name(family);
    spec.shape = shape_from(family, fields);
    spec.weights = fields.text("weights");
    Json preprocess = fields.value("preprocess");
    if (preprocess.is_null()) preprocess = Json::object();
    if (preprocess.is_object() && !preprocess.contains("size"))
        preprocess["size"] = spec.image_size();
    spec.preprocess = data::preprocess_from(Fields(preprocess, fields.path_of("preprocess")));
    if (spec.preprocess.image_size != spec.image_size()) {
        fields.fail("preprocess.size",
                    Error::config("the preprocessed image is not the model's input")
                        .found(std::to_string(spec.preprocess.image_size))
                        .wanted(std::to_string(spec.image_size())));
    }
    if (fields.has("float_top1")) spec.float_top1 = fields.number("float_top1", 0, 100);
    spec.float_tolerance = fields.number("float_tolerance", 0, 100, spec.float_tolerance);
    fields.finish();
    return spec;
}

Graph build_graph(const ModelSpec& spec) {
    return std::visit(Builder{}, spec.shape);
}

NameMap other_names(const ModelSpec& spec) {
    if (const auto* swin = std::get_if<SwinShape>(&spec.shape)) return original_swin_names(*swin);
    return original_vit_names(std::get<VitShape>(spec.shape));
}

Model load_model(const ModelSpec& spec) {
    Model model{spec, build_graph(spec), {}, {}};
    model.parameters = load_weights(model.graph, spec.weights, other_names(spec));
    model.fingerprint = fingerprint(model.parameters);
    return model;
}

}  // namespace aocq::nn
