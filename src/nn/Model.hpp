// SPDX-License-Identifier: Apache-2.0
// A model as a study names it: family and shape, weights, preprocessing; and the loaded thing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "core/Fields.hpp"
#include "data/Preprocess.hpp"
#include "nn/Executor.hpp"
#include "nn/Graph.hpp"
#include "nn/Swin.hpp"
#include "nn/Vit.hpp"
#include "nn/Weights.hpp"

namespace aocq::nn {

struct ModelSpec {
    std::string name;    // for tables: "deit_tiny"
    std::string family;  // "vit" or "swin"
    std::variant<VitShape, SwinShape> shape;
    std::filesystem::path weights;
    data::Preprocess preprocess;
    // Published for the full ImageNet validation set with this preprocessing: percent, and how many
    // percentage points a measured accuracy may differ from it.
    std::optional<double> float_top1;
    double float_tolerance = 0.15;

    std::int64_t image_size() const;  // pixels on a side
    std::int64_t classes() const;
};

// The [model] section; every key checked.
ModelSpec model_spec_from(Fields fields);

Graph build_graph(const ModelSpec& spec);

// Names in the files of the family's authors; none where they are timm's.
NameMap other_names(const ModelSpec& spec);

struct Model {
    ModelSpec spec;
    Graph graph;
    Parameters parameters;
    std::string fingerprint;  // of the parameters
};
Model load_model(const ModelSpec& spec);

}  // namespace aocq::nn
