// SPDX-License-Identifier: Apache-2.0
// Every model of configs/models at full size against timm (tests/golden/nn/make_timm_zoo.py).
#include <gtest/gtest.h>

#include "core/Files.hpp"
#include "nn/Accounting.hpp"
#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "nn/Model.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

Json golden_file() {
    const auto file = test::source_folder() / "tests/golden/nn/timm_zoo.json";
    return parse_json(read_text(file), file.string());
}

ModelSpec spec_of(const Json& entry) {
    Json section = entry.at("shape");
    section["weights"] = "none";
    return model_spec_from(Fields(section, "model"));
}

// The largest difference from timm's logits as a share of their range.
double difference_from(const Json& entry, const Json& golden) {
    const NoGradients scope;
    const ModelSpec spec = spec_of(entry);
    const Graph graph = build_graph(spec);
    const Parameters parameters = test::formula_parameters(graph, golden.at("spread").get<float>());
    const at::Tensor image = test::formula("image", {1, 3, spec.image_size(), spec.image_size()});
    const at::Tensor logits = forward(graph, parameters, image)[0];
    double largest =
        std::abs((logits.max() - logits.min()).item<double>() - entry.at("range").get<double>());
    for (std::size_t i = 0; i < golden.at("places").size(); ++i) {
        const double ours = logits[golden.at("places")[i].get<std::int64_t>()].item<double>();
        largest = std::max(largest, std::abs(ours - entry.at("logits")[i].get<double>()));
    }
    return largest / entry.at("range").get<double>();
}

void expect_timms_logits(const std::string& family, std::size_t wanted) {
    const Json golden = golden_file();
    std::size_t compared = 0;
    for (const auto& [name, entry] : golden.at("models").items()) {
        if (!name.starts_with(family + "_") || !entry.contains("logits")) continue;
        EXPECT_LE(difference_from(entry, golden), 1e-4) << name;
        ++compared;
    }
    EXPECT_EQ(compared, wanted);
}

TEST(Zoo, VitModelsGiveTimmsLogitsAtFullSize) {
    expect_timms_logits("vit", 7);
}

TEST(Zoo, DeitModelsGiveTimmsLogitsAtFullSize) {
    expect_timms_logits("deit", 7);
}

TEST(Zoo, DeitThreeModelsGiveTimmsLogitsAtFullSize) {
    expect_timms_logits("deit3", 5);
}

TEST(Zoo, SwinModelsGiveTimmsLogitsAtFullSize) {
    expect_timms_logits("swin", 5);
}

TEST(Zoo, EveryModelHasTimmsParametersAndTorchsMultiplications) {
    const Json golden = golden_file();
    ASSERT_GE(golden.at("models").size(), 33U);
    for (const auto& [name, entry] : golden.at("models").items()) {
        const ModelSpec spec = spec_of(entry);
        const ModelCost cost =
            model_cost(build_graph(spec), {1, 3, spec.image_size(), spec.image_size()});
        EXPECT_EQ(cost.total.parameters, entry.at("parameters").get<std::int64_t>()) << name;
        EXPECT_EQ(cost.total.macs, entry.at("macs").get<std::int64_t>()) << name;
    }
}

}  // namespace
}  // namespace aocq::nn
