// SPDX-License-Identifier: Apache-2.0
#include "nn/PositionEmbedding.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/Files.hpp"
#include "core/Json.hpp"
#include "nn/Formula.hpp"
#include "nn/Weights.hpp"
#include "support/TempFolder.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

VitShape shape_with(std::int64_t side) {
    VitShape shape;
    shape.image_size = 2 * side;
    shape.patch_size = 2;
    shape.width = 3;
    shape.depth = 1;
    shape.heads = 1;
    shape.classes = 2;
    shape.distilled = true;
    return shape;
}

TEST(PositionEmbedding, IsResampledAsTimmDoesIt) {
    const auto file = test::source_folder() / "tests/golden/nn/timm_position.json";
    const Json golden = parse_json(read_text(file), file.string());
    const at::Tensor embedding = test::formula("pos_embed", {1, 18, 3});
    for (const std::int64_t side : {3, 6}) {
        const Graph graph = build_vit(shape_with(side));
        const at::Tensor made =
            resample_position(graph, *graph.find_parameter("pos_embed"), embedding);
        ASSERT_EQ(made.sizes(), (std::vector<std::int64_t>{1, 2 + side * side, 3}));
        const auto wanted = golden.at(std::to_string(side)).get<std::vector<float>>();
        const at::Tensor difference = made.flatten() - at::tensor(at::ArrayRef<float>(wanted));
        EXPECT_LE(difference.abs().max().item<float>(), 1e-6F) << side;
    }
}

TEST(PositionEmbedding, OnlyASquareGridBehindTheTokensOfTheGraphWillDo) {
    const Graph graph = build_vit(shape_with(4));
    const ParameterSpec& parameter = *graph.find_parameter("pos_embed");
    EXPECT_TRUE(can_resample_position(graph, parameter, {1, 2 + 9, 3}));
    EXPECT_FALSE(can_resample_position(graph, parameter, {1, 1 + 9, 3}));
    EXPECT_FALSE(can_resample_position(graph, parameter, {1, 2, 3}));
    EXPECT_FALSE(can_resample_position(graph, parameter, {1, 2 + 9, 4}));
    EXPECT_FALSE(can_resample_position(graph, *graph.find_parameter("cls_token"), {1, 11, 3}));
}

TEST(PositionEmbedding, WeightsOfAnotherImageSizeLoad) {
    const test::TempFolder folder;
    const Graph small = build_vit(shape_with(4)), large = build_vit(shape_with(6));
    save_weights(folder / "w.safetensors", test::formula_parameters(small), {});
    const Parameters loaded = load_weights(large, folder / "w.safetensors");
    EXPECT_TRUE(at::equal(loaded.at("pos_embed"),
                          resample_position(large, *large.find_parameter("pos_embed"),
                                            test::formula("pos_embed", {1, 18, 3}))));
}

}  // namespace
}  // namespace aocq::nn
