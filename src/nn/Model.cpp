// SPDX-License-Identifier: Apache-2.0
#include "nn/Model.hpp"

#include "nn/Weights.hpp"

namespace aocq::nn {
namespace {

enum class Family { vit };
constexpr EnumTable<Family, 1> families{{{{Family::vit, "vit"}}}};

}  // namespace

ModelSpec model_spec_from(Fields fields) {
    ModelSpec spec;
    spec.name = fields.text("name", "model");
    fields.text("description", "");
    spec.family = families.name(fields.choice<Family>("family", families));
    spec.shape = vit_shape_from(fields);
    spec.weights = fields.text("weights");
    Json preprocess = fields.value("preprocess");
    if (preprocess.is_null()) preprocess = Json::object();
    if (preprocess.is_object() && !preprocess.contains("size"))
        preprocess["size"] = spec.shape.image_size;
    spec.preprocess = data::preprocess_from(Fields(preprocess, fields.path_of("preprocess")));
    if (spec.preprocess.image_size != spec.shape.image_size) {
        fields.fail("preprocess.size",
                    Error::config("the preprocessed image is not the model's input")
                        .found(std::to_string(spec.preprocess.image_size))
                        .wanted(std::to_string(spec.shape.image_size)));
    }
    if (fields.has("float_top1")) spec.float_top1 = fields.number("float_top1", 0, 100);
    fields.finish();
    return spec;
}

Graph build_graph(const ModelSpec& spec) {
    return build_vit(spec.shape);
}

Model load_model(const ModelSpec& spec) {
    Model model{spec, build_graph(spec), {}, {}};
    model.parameters = load_weights(model.graph, spec.weights);
    model.fingerprint = fingerprint(model.parameters);
    return model;
}

}  // namespace aocq::nn
