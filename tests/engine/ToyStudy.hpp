// SPDX-License-Identifier: Apache-2.0
// A study of a small random model on the generated dataset, in a folder of its own.
#pragma once

#include <fmt/format.h>

#include "config/Document.hpp"
#include "config/Study.hpp"
#include "core/Files.hpp"
#include "nn/Train.hpp"
#include "nn/Weights.hpp"
#include "support/TempFolder.hpp"

namespace aocq::test {

struct ToyStudy {
    TempFolder folder;
    std::string text;

    explicit ToyStudy(const std::string& observers = R"(["minmax", "mse"])", int depth = 1) {
        nn::VitShape shape;
        shape.image_size = 64;
        shape.patch_size = 16;
        shape.width = 24;
        shape.depth = depth;
        shape.heads = 2;
        shape.classes = 20;
        const nn::Graph graph = nn::build_vit(shape);
        nn::save_weights(folder / "toy.safetensors", nn::initial_parameters(graph, 1), {});
        text = fmt::format(R"(schema = 1
name = "toy"
bits = "W8A8"
[model]
name = "toy"
family = "vit"
image_size = 64
patch_size = 16
width = 24
depth = {}
heads = 2
classes = 20
weights = "toy.safetensors"
[model.preprocess]
size = 64
interpolation = "none"
[data.calibration]
kind = "generated"
split = "calibration"
count = 12
image_size = 64
images = 10
chunk = 4
[data.evaluation]
kind = "generated"
split = "evaluation"
count = 23
image_size = 64
batch = 4
lease = 8
[method]
passes = ["fit"]
[method.fit]
observer = "minmax"
[[axis]]
key = "method.fit.observer"
values = {}
[[axis]]
key = "bits"
values = ["W8A8", "W4A4"]
[[table]]
name = "observers"
rows = "method.fit.observer"
columns = "bits"
cell = ["top1", "kl"]
)",
                           depth, observers);
        write();
    }
    void write() const { write_text(file(), text); }
    std::filesystem::path file() const { return folder / "toy.toml"; }
    void replace(const std::string& from, const std::string& to) {
        const auto place = text.find(from);
        AOCQ_EXPECT(place != std::string::npos);
        text.replace(place, from.size(), to);
        write();
    }
    config::Study study() const { return config::expand(config::load_document(file(), {})); }
};

}  // namespace aocq::test
