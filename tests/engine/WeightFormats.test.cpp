// SPDX-License-Identifier: Apache-2.0
// The same weights in another format are the same weights: no key tells them apart.
#include <gtest/gtest.h>

#include <set>

#include "engine/Facts.hpp"
#include "engine/ToyStudy.hpp"
#include "engine/Work.hpp"
#include "nn/Formula.hpp"
#include "support/TestData.hpp"

namespace aocq::engine {
namespace {

using Path = std::filesystem::path;

// The toy study with the model of tests/golden/nn/make_pth.py and two classes of images.
struct SmallStudy : test::ToyStudy {
    SmallStudy() {
        replace("image_size = 64\npatch_size = 16\nwidth = 24",
                "image_size = 4\npatch_size = 2\nmlp_ratio = 1.0\nwidth = 4");
        replace("heads = 2\nclasses = 20", "heads = 1\nclasses = 2");
        replace("size = 64\ninterpolation", "size = 4\ninterpolation");
        replace("count = 12", "count = 12\nclasses = 2");
        replace("count = 23", "count = 23\nclasses = 2");
    }

    nn::Graph graph() const {
        return nn::build_graph(
            nn::model_spec_from(Fields(study().experiments.front().model, "model")));
    }
    // Every key of every unit, with the given file as the model's weights.
    std::multiset<std::string> keys_with(const Path& weights) const {
        config::LoadOptions options;
        options.overrides = {"model.weights=" + weights.string()};
        const config::Study changed = config::expand(config::load_document(file(), options));
        const Work work = make_work(changed, gather_facts(changed), "test");
        std::multiset<std::string> keys;
        for (const auto& unit : work.graph.units()) keys.insert(unit.key);
        for (const auto& experiment : work.experiments) keys.insert(experiment.id);
        return keys;
    }
};

TEST(WeightFormats, SafetensorsAndBothKindsOfPthHaveTheSameKeys) {
    const SmallStudy small;
    const nn::Graph graph = small.graph();
    const nn::Parameters parameters = test::formula_parameters(graph);
    const Path safetensors = small.folder / "w.safetensors";
    nn::save_weights(safetensors, parameters, {});
    const auto keys = small.keys_with(safetensors);
    EXPECT_GT(keys.size(), 10U);
    const Path golden = test::source_folder() / "tests/golden/nn";
    EXPECT_EQ(small.keys_with(golden / "plain.pth"), keys);
    EXPECT_EQ(small.keys_with(golden / "nested.pth"), keys);

    const std::string print = nn::fingerprint(parameters);
    for (const Path& file : {safetensors, golden / "plain.pth", golden / "nested.pth"}) {
        EXPECT_EQ(nn::fingerprint(nn::load_weights(graph, file)), print) << file;
        EXPECT_EQ(nn::fingerprint(*nn::open_weights(file)), print) << file;
    }
}

TEST(WeightFormats, OneChangedValueChangesTheKeys) {
    const SmallStudy small;
    nn::Parameters parameters = test::formula_parameters(small.graph());
    nn::save_weights(small.folder / "w.safetensors", parameters, {});
    const auto keys = small.keys_with(small.folder / "w.safetensors");
    parameters["head.bias"] += 1e-6;
    nn::save_weights(small.folder / "v.safetensors", parameters, {});
    for (const auto& key : small.keys_with(small.folder / "v.safetensors"))
        EXPECT_FALSE(keys.contains(key));
}

}  // namespace
}  // namespace aocq::engine
