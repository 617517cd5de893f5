// SPDX-License-Identifier: Apache-2.0
// The studies that the project ships, against real weights and images where they are there.
#include <gtest/gtest.h>

#include "config/Document.hpp"
#include "core/Files.hpp"
#include "engine/DataUse.hpp"
#include "engine/Evaluate.hpp"
#include "engine/Facts.hpp"
#include "engine/ImageRecords.hpp"
#include "nn/Autograd.hpp"
#include "nn/Model.hpp"
#include "support/TestData.hpp"

namespace aocq {
namespace {

struct Counts {
    int top1 = 0, top5 = 0;
};

Counts float_counts(const std::string& study, const std::filesystem::path& data) {
    config::LoadOptions options;
    options.environment = [&](const std::string& name) -> std::optional<std::string> {
        if (name == "AOCQ_DATA") return data.string();
        return std::nullopt;
    };
    const config::Study loaded = config::expand(
        config::load_document(test::source_folder() / "experiments" / (study + ".toml"), options));
    const nn::NoGradients scope;
    const config::Experiment& experiment = loaded.experiments.front();
    const nn::Model model = nn::load_model(nn::model_spec_from(Fields(experiment.model, "model")));
    const engine::DataUse use =
        engine::open_data(experiment.evaluation, engine::Purpose::evaluation);
    const engine::Lease all{*use.dataset, model.spec.preprocess, 0, use.images, use.batch};
    const auto logits = engine::run_lease(
        all, [&](const at::Tensor& x) { return nn::forward(model.graph, model.parameters, x); },
        {});
    Counts counts;
    for (const auto& record : engine::judge(all, logits, logits.values)) {
        counts.top1 += record.right() ? 1 : 0;
        counts.top5 += record.right_within_5() ? 1 : 0;
    }
    return counts;
}

// Reference counts of the data's own README, made with Pillow and the original models.
TEST(Studies, DeitTinyInFloatGivesTheReferenceCounts) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    const Counts counts = float_counts("deit_tiny", data);
    EXPECT_NEAR(counts.top1, 319, 1);
    EXPECT_NEAR(counts.top5, 373, 1);
}

TEST(Studies, VitTinyInFloatGivesTheReferenceCounts) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    const Counts counts = float_counts("vit_tiny", data);
    EXPECT_NEAR(counts.top1, 331, 1);
    EXPECT_NEAR(counts.top5, 383, 1);
}

TEST(Studies, SwinMicroInFloatGivesTheReferenceCounts) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    const Counts counts = float_counts("swin_micro", data);
    EXPECT_EQ(counts.top1, 796);
    // One image has its fifth and sixth logits 1.2e-4 apart.
    EXPECT_NEAR(counts.top5, 987, 1);
}

TEST(Studies, EmbeddedModelIsAsItsRecordSays) {
    const auto file = test::source_folder() / "experiments/embedded_deit.json";
    const Json record = parse_json(read_text(file), file.string());
    const config::Study study = config::expand(
        config::load_document(test::source_folder() / "experiments/quickstart.toml", {}));
    const nn::Model model =
        nn::load_model(nn::model_spec_from(Fields(study.experiments.front().model, "model")));
    EXPECT_EQ(model.fingerprint, record.at("weights").get<std::string>());
    EXPECT_LE(std::filesystem::file_size(model.spec.weights), 4U << 20);
    EXPECT_GE(record.at("held_back").at("top1").get<double>(), 0.9);
}

}  // namespace
}  // namespace aocq
