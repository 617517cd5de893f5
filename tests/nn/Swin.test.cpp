// SPDX-License-Identifier: Apache-2.0
#include "nn/Swin.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/Files.hpp"
#include "data/ImageFolder.hpp"
#include "data/Loader.hpp"
#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "nn/Model.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

SwinShape golden_shape(const Json& shape) {
    SwinShape s;
    s.image_size = shape.at("img_size");
    s.patch_size = shape.at("patch_size");
    s.window = shape.at("window_size");
    s.width = shape.at("embed_dim");
    s.depths = shape.at("depths").get<std::vector<std::int64_t>>();
    s.heads = shape.at("num_heads").get<std::vector<std::int64_t>>();
    s.mlp_ratio = shape.value("mlp_ratio", 4.0);
    s.classes = 10;
    return s;
}

// Largest difference from timm's logits as a share of their range.
void expect_timm(const char* which) {
    const NoGradients scope;
    const auto file = test::source_folder() / "tests/golden/nn/timm_swin.json";
    const Json golden = parse_json(read_text(file), file.string()).at(which);
    const SwinShape shape = golden_shape(golden.at("shape"));
    const Graph graph = build_swin(shape);
    const at::Tensor logits =
        forward(graph, test::formula_parameters(graph),
                test::formula("image", {2, 3, shape.image_size, shape.image_size}));
    ASSERT_EQ(logits.sizes(), (std::vector<std::int64_t>{2, 10}));
    at::Tensor wanted = at::empty({2, 10});
    for (std::int64_t i = 0; i < 20; ++i) {
        wanted.view(-1)[i] = golden.at("logits")
                                 .at(static_cast<std::size_t>(i / 10))
                                 .at(static_cast<std::size_t>(i % 10))
                                 .get<double>();
    }
    const double range = (wanted.max() - wanted.min()).item<double>();
    const double difference = (logits - wanted).abs().max().item<double>() / range;
    EXPECT_LE(difference, 1e-4);
    testing::Test::RecordProperty("difference", fmt::format("{:.1e}", difference));
}

TEST(Swin, GivesTimmsLogits) {
    expect_timm("small");
}

TEST(Swin, GivesTimmsLogitsForMapsThatAreNoMultipleOfTheWindow) {
    expect_timm("padded");
}

TEST(Swin, GivesTimmsLogitsAtFullSize) {
    expect_timm("tiny");
}

std::int64_t parameter_count(const Graph& graph) {
    std::int64_t total = 0;
    for (const auto& parameter : graph.parameters()) {
        std::int64_t count = 1;
        for (const auto extent : parameter.shape) count *= extent;
        total += count;
    }
    return total;
}

// The counts that timm gives for its models.
TEST(Swin, HasTheParametersOfTheTinySmallAndBaseModels) {
    SwinShape shape;
    EXPECT_EQ(parameter_count(build_swin(shape)), 28'288'354);
    shape.depths = {2, 2, 18, 2};
    EXPECT_EQ(parameter_count(build_swin(shape)), 49'606'258);
    shape.width = 128;
    shape.heads = {4, 8, 16, 32};
    EXPECT_EQ(parameter_count(build_swin(shape)), 87'768'224);
}

TEST(Swin, BlocksAndMergingsCoverEverythingBetweenEmbeddingAndNorm) {
    const Graph graph = build_swin(SwinShape{});
    ASSERT_EQ(graph.blocks().size(), 12U + 3U);
    std::size_t next = graph.node_index("patch_embed.norm") + 1;
    for (const Block& block : graph.blocks()) {
        EXPECT_EQ(block.first, next) << block.name;
        next = block.last;
        for (std::size_t i = block.first; i < block.last; ++i) {
            EXPECT_TRUE(graph.nodes()[i].name.starts_with(block.name + "."));
        }
    }
    EXPECT_EQ(next, graph.node_index("norm"));
}

// A block is a range that needs nothing but its input: what block-wise reconstruction relies on.
TEST(Swin, ShiftedBlockRunsFromItsInputAlone) {
    const NoGradients scope;
    SwinShape shape;
    shape.image_size = 32;
    shape.patch_size = 2;
    shape.window = 4;
    shape.width = 24;
    shape.depths = {2};
    shape.heads = {2};
    const Graph graph = build_swin(shape);
    const Parameters parameters = test::formula_parameters(graph);
    const Block& block = graph.blocks()[1];
    RunOptions options;
    options.first = block.first;
    options.last = block.last;
    const ValueId input = graph.nodes()[block.first].inputs[0];
    const at::Tensor map = test::formula("image", {3, 16, 16, 24});
    const at::Tensor out =
        run(graph, parameters, {{input, map}}, options).at(graph.nodes()[block.last - 1].output);
    EXPECT_EQ(out.sizes(), map.sizes());
    // Images do not see each other.
    const at::Tensor alone = run(graph, parameters, {{input, map.slice(0, 1, 2)}}, options)
                                 .at(graph.nodes()[block.last - 1].output);
    EXPECT_TRUE(at::allclose(alone[0], out[1], 1e-5, 1e-5));
}

// At 256 pixels the last map is larger than the window, so its second block is shifted.
TEST(Swin, FingerprintChangesWithAnyPartOfTheShape) {
    const std::string base = build_swin(SwinShape{}).fingerprint();
    for (auto change :
         {+[](SwinShape& s) { s.window = 8; }, +[](SwinShape& s) { s.epsilon = 1e-6; },
          +[](SwinShape& s) { s.heads[1] = 3; }, +[](SwinShape& s) { s.image_size = 256; }}) {
        SwinShape shape;
        change(shape);
        EXPECT_NE(build_swin(shape).fingerprint(), base);
    }
}

Json micro_section(const std::filesystem::path& data) {
    return {{"family", "swin"},
            {"image_size", 32},
            {"patch_size", 2},
            {"window", 4},
            {"width", 48},
            {"depths", {2, 2, 2}},
            {"heads", {3, 6, 12}},
            {"classes", 10},
            {"weights", (data / "weights/swin_micro_cifar10.safetensors").string()},
            {"preprocess",
             {{"interpolation", "none"},
              {"mean", {0.4914, 0.4822, 0.4465}},
              {"std", {0.247, 0.2435, 0.2616}}}}};
}

// Reference counts of the data's own README, made with Pillow and timm. One image has its fifth and
// sixth logits 1.2e-4 apart.
TEST(Swin, MicroModelGivesTheReferenceCountsOnCifar10) {
    AOCQ_REAL_DATA_OR_SKIP(folder);
    const NoGradients scope;
    const Model model = load_model(model_spec_from(Fields(micro_section(folder), "model")));
    const data::ImageFolder images(folder / "cifar10/test", {});
    std::vector<std::uint32_t> all(images.size());
    std::iota(all.begin(), all.end(), 0U);
    data::Loader loader(images, model.spec.preprocess, all, {.batch = 50});
    int top1 = 0, top5 = 0;
    while (auto batch = loader.next()) {
        const auto count = static_cast<std::int64_t>(batch->labels.size());
        const at::Tensor pixels = at::from_blob(batch->pixels.data(), {count, 3, 32, 32});
        const at::Tensor best =
            std::get<1>(forward(model.graph, model.parameters, pixels).topk(5)).contiguous();
        for (std::int64_t i = 0; i < count; ++i) {
            const auto* ranked = best.const_data_ptr<std::int64_t>() + 5 * i;
            const int label = batch->labels[static_cast<std::size_t>(i)];
            top1 += ranked[0] == label ? 1 : 0;
            top5 += std::find(ranked, ranked + 5, label) != ranked + 5 ? 1 : 0;
        }
    }
    EXPECT_EQ(top1, 796);
    EXPECT_NEAR(top5, 987, 1);
    testing::Test::RecordProperty("top5", top5);
}

}  // namespace
}  // namespace aocq::nn
