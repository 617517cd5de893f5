// SPDX-License-Identifier: Apache-2.0
#include "nn/Vit.hpp"

#include <gtest/gtest.h>

#include "core/Files.hpp"
#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

void expect_timm(const char* which, const VitShape& shape) {
    const NoGradients scope;
    const auto file = test::source_folder() / "tests/golden/nn/timm_vit.json";
    const Json golden = parse_json(read_text(file), file.string()).at(which);
    const Graph graph = build_vit(shape);
    const at::Tensor logits =
        forward(graph, test::formula_parameters(graph), test::formula("image", {2, 3, 32, 32}));
    ASSERT_EQ(logits.sizes(), (std::vector<std::int64_t>{2, 10}));
    for (std::int64_t i = 0; i < 2; ++i) {
        for (std::int64_t k = 0; k < 10; ++k) {
            const auto wanted = golden.at(static_cast<std::size_t>(i))
                                    .at(static_cast<std::size_t>(k))
                                    .get<double>();
            EXPECT_NEAR(logits[i][k].item<double>(), wanted, 1e-4) << which << " " << i << " " << k;
        }
    }
}

TEST(Vit, GivesTimmsLogits) {
    expect_timm("vit", test::small_shape());
}

TEST(Vit, GivesTimmsLogitsForADistilledDeit) {
    VitShape shape = test::small_shape();
    shape.distilled = true;
    expect_timm("distilled", shape);
}

TEST(Vit, HasTheParametersOfDeitTiny) {
    std::int64_t total = 0;
    const Graph graph = build_vit(VitShape{});
    for (const auto& parameter : graph.parameters()) {
        std::int64_t count = 1;
        for (const auto extent : parameter.shape) count *= extent;
        total += count;
    }
    EXPECT_EQ(graph.parameters().size(), 152U);
    EXPECT_EQ(total, 5'717'416);
    EXPECT_EQ(graph.blocks().size(), 12U);
}

TEST(Vit, ShapeThatIsNoWholeNumberOfPatchesIsRefused) {
    const Json section = {{"image_size", 224}, {"patch_size", 15}, {"width", 192},
                          {"depth", 1},        {"heads", 3},       {"classes", 2}};
    Fields fields(section, "model");
    try {
        vit_shape_from(fields);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("key"), "model.patch_size");
        EXPECT_EQ(error.field("found"), "224 / 15");
    }
}

TEST(Vit, WidthThatHeadsDoNotDivideIsRefused) {
    const Json section = {{"image_size", 32}, {"patch_size", 8}, {"width", 50},
                          {"depth", 1},       {"heads", 3},      {"classes", 2}};
    Fields fields(section, "model");
    EXPECT_THROW(vit_shape_from(fields), Error);
}

}  // namespace
}  // namespace aocq::nn
