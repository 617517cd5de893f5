// SPDX-License-Identifier: Apache-2.0
// The configuration files of the project load and say what a model file has to say.
#include <cmath>
#include <filesystem>
#include <set>

#include "config/ConfigFixture.hpp"
#include "core/Fields.hpp"
#include "support/TestData.hpp"

namespace aocq::config {
namespace {

class ConfigsTest : public ConfigTest {
  protected:
    Study study_of(const std::string& model) {
        write("study.toml", "schema = 1\nname = \"x\"\nbits = \"float\"\n[model]\nuse = \"" +
                                model +
                                "\"\n[data.evaluation]\nuse = \"imagenet\"\nroot = \"val\"\n");
        LoadOptions options;
        options.configs = test::source_folder() / "configs";
        return expand(load_document(file("study.toml"), options));
    }
};

void check_three(Fields& fields, const char* key, double low, double high) {
    const auto values = fields.numbers(key);
    ASSERT_EQ(values.size(), 3U) << fields.path_of(key);
    for (const double value : values) {
        EXPECT_GE(value, low);
        EXPECT_LE(value, high);
    }
}

TEST_F(ConfigsTest, EveryVitFileIsComplete) {
    for (const char* name : {"deit_tiny", "deit_small", "deit_base", "deit_base_distilled",
                             "vit_tiny", "vit_small", "vit_base", "vit_large"}) {
        const Experiment experiment = study_of(name).experiments[0];
        Fields model(experiment.model, "model");
        EXPECT_EQ(model.text("family"), "vit") << name;
        EXPECT_EQ(model.flag("distilled", false), std::string(name) == "deit_base_distilled");
        EXPECT_EQ(model.integer("image_size", 1, 1024) % model.integer("patch_size", 1, 64), 0);
        // 64 channels in each head, as all of these models have.
        EXPECT_EQ(model.integer("width", 1, 4096), 64 * model.integer("heads", 1, 64)) << name;
        EXPECT_EQ(model.integer("depth", 1, 64), std::string(name) == "vit_large" ? 24 : 12);
        EXPECT_EQ(model.number("mlp_ratio", 1, 8), 4.0);
        EXPECT_EQ(model.integer("classes", 1, 100000), 1000);
        if (model.has("float_top1")) model.number("float_top1", 70.0, 90.0);
        Fields preprocess = model.object("preprocess");
        EXPECT_EQ(preprocess.integer("size", 1, 1024), 224);
        preprocess.number("crop", 0.875, 0.9);
        EXPECT_EQ(preprocess.text("interpolation"), "bicubic");
        check_three(preprocess, "mean", 0.4, 0.5);
        check_three(preprocess, "std", 0.2, 0.5);
        preprocess.finish();
        model.finish();
    }
}

TEST_F(ConfigsTest, EverySwinFileIsComplete) {
    for (const char* name : {"swin_tiny", "swin_small", "swin_base", "swin_micro_cifar10"}) {
        const bool micro = std::string(name) == "swin_micro_cifar10";
        const Experiment experiment = study_of(name).experiments[0];
        Fields model(experiment.model, "model");
        EXPECT_EQ(model.text("family"), "swin") << name;
        const auto size = model.integer("image_size", 1, 1024);
        EXPECT_EQ(size, micro ? 32 : 224);
        EXPECT_EQ(size % model.integer("patch_size", 1, 64), 0);
        EXPECT_EQ(model.integer("window", 1, 64), micro ? 4 : 7);
        const auto depths = model.integers("depths", 1, 64), heads = model.integers("heads", 1, 64);
        EXPECT_EQ(depths.size(), micro ? 3U : 4U);
        ASSERT_EQ(heads.size(), depths.size());
        // 32 channels in each head of the published models, twice as many heads in each stage.
        EXPECT_EQ(model.integer("width", 1, 4096), (micro ? 16 : 32) * heads[0]) << name;
        for (std::size_t i = 1; i < heads.size(); ++i) EXPECT_EQ(heads[i], 2 * heads[i - 1]);
        EXPECT_EQ(model.number("mlp_ratio", 1, 8), 4.0);
        EXPECT_EQ(model.integer("classes", 1, 100000), micro ? 10 : 1000);
        if (!micro) model.number("float_top1", 81.0, 86.0);
        Fields preprocess = model.object("preprocess");
        EXPECT_EQ(preprocess.integer("size", 1, 1024), size);
        if (!micro) {
            EXPECT_EQ(preprocess.number("crop", 0.5, 1.0), 0.9);
        }
        EXPECT_EQ(preprocess.text("interpolation"), micro ? "none" : "bicubic");
        check_three(preprocess, "mean", 0.4, 0.5);
        check_three(preprocess, "std", 0.2, 0.3);
        preprocess.finish();
        model.finish();
    }
}

// Every study that the project ships, without the files that it points at.
TEST_F(ConfigsTest, EveryShippedStudyExpandsIntoItsExperiments) {
    LoadOptions options;
    options.environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "AOCQ_DATA") return "/data";
        return std::nullopt;
    };
    std::set<std::string> names;
    const auto folder = test::source_folder() / "experiments";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".toml") continue;
        const Study study = expand(load_document(entry.path(), options));
        EXPECT_TRUE(names.insert(study.name).second) << entry.path() << ": name used twice";
        EXPECT_GE(study.experiments.size(), 2U) << entry.path();
        for (const TableSpec& table : study.tables) {
            if (table.published.file.empty()) continue;
            EXPECT_TRUE(std::filesystem::exists(table.published.file)) << entry.path();
        }
    }
    EXPECT_TRUE(names.contains("paper_deit_base_w8a8"));
    EXPECT_TRUE(names.contains("aocq_factorial_swin_micro"));
}

TEST_F(ConfigsTest, ImagenetIsAFolder) {
    const Experiment experiment = study_of("deit_tiny").experiments[0];
    EXPECT_EQ(experiment.evaluation, (Json{{"kind", "folder"}, {"root", file("val").string()}}));
}

}  // namespace
}  // namespace aocq::config
