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

namespace aocq::nn {

struct ModelSpec {
    std::string name;    // for tables: "deit_tiny"
    std::string family;  // "vit" or "swin"
    std::variant<VitShape, SwinShape> shape;
    std::filesystem::path weights;
    data::Preprocess preprocess;
    std::optional<double> float_top1;  // published, percent

    std::int64_t image_size() const;  // pixels on a side
    std::int64_t classes() const;
};

// The [model] section; every key checked.
ModelSpec model_spec_from(Fields fields);

Graph build_graph(const ModelSpec& spec);

struct Model {
    ModelSpec spec;
    Graph graph;
    Parameters parameters;
    std::string fingerprint;  // of the parameters
};
Model load_model(const ModelSpec& spec);

}  // namespace aocq::nn
