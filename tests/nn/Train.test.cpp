// SPDX-License-Identifier: Apache-2.0
#include "nn/Train.hpp"

#include <gtest/gtest.h>

#include "nn/Weights.hpp"

namespace aocq::nn {
namespace {

struct Setting {
    std::unique_ptr<data::Dataset> dataset;
    data::Preprocess preprocess;
    Graph graph;
};

Setting tiny_setting() {
    const Json section = {
        {"kind", "generated"}, {"split", "train"}, {"count", 96}, {"image_size", 64}};
    Fields fields(section, "data");
    Setting setting;
    setting.dataset = data::open_dataset(fields, {});
    setting.preprocess =
        data::preprocess_from(Fields({{"size", 64}, {"interpolation", "none"}}, "preprocess"));
    VitShape shape;
    shape.image_size = 64;
    shape.patch_size = 16;
    shape.width = 24;
    shape.depth = 1;
    shape.heads = 2;
    shape.classes = setting.dataset->classes();
    setting.graph = build_vit(shape);
    return setting;
}

Parameters train_tiny(const Setting& setting, std::uint64_t seed, std::vector<double>& losses) {
    TrainOptions options;
    options.seed = seed;
    options.epochs = 6;
    options.batch = 16;
    options.learning_rate = 3e-3;
    return train(setting.graph, *setting.dataset, setting.preprocess, options,
                 [&](const EpochReport& report) { losses.push_back(report.loss); });
}

TEST(Train, LowersTheLossAndRepeatsBitByBit) {
    const Setting setting = tiny_setting();
    std::vector<double> losses, again, other;
    const Parameters first = train_tiny(setting, 1, losses);
    EXPECT_LT(losses.back(), losses.front());
    EXPECT_EQ(fingerprint(train_tiny(setting, 1, again)), fingerprint(first));
    EXPECT_NE(fingerprint(train_tiny(setting, 2, other)), fingerprint(first));
}

TEST(Train, InitialParametersHaveUnitGainsAndZeroBiases) {
    const Setting setting = tiny_setting();
    const Parameters parameters = initial_parameters(setting.graph, 1);
    EXPECT_TRUE(at::equal(parameters.at("blocks.0.norm1.weight"), at::ones({24})));
    EXPECT_TRUE(at::equal(parameters.at("head.bias"), at::zeros({setting.dataset->classes()})));
    EXPECT_NEAR(parameters.at("blocks.0.mlp.fc1.weight").std().item<double>(), 0.02, 0.002);
}

}  // namespace
}  // namespace aocq::nn
