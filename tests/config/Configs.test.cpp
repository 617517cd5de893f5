// SPDX-License-Identifier: Apache-2.0
// The configuration files of the project load and say what a model file has to say.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "config/ConfigFixture.hpp"
#include "core/Fields.hpp"
#include "core/Files.hpp"
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

TEST_F(ConfigsTest, EveryDatasetFileSaysItsKind) {
    const std::pair<const char*, const char*> kinds[] = {{"imagenet", "folder"},
                                                         {"imagenet_flat", "ilsvrc"},
                                                         {"imagenet_shards", "webdataset"},
                                                         {"cifar10", "folder"},
                                                         {"generated", "generated"}};
    for (const auto& [use, kind] : kinds) {
        write("study.toml",
              fmt::format("schema = 1\nname = \"x\"\nbits = \"float\"\n[model]\nuse = "
                          "\"deit_tiny\"\n[data.evaluation]\nuse = \"{}\"\n"
                          "shards = \"a/val-{{00..09}}.tar\"\nids = \"b/../ids.txt\"\n",
                          use));
        LoadOptions options;
        options.configs = test::source_folder() / "configs";
        const Experiment experiment =
            expand(load_document(file("study.toml"), options)).experiments[0];
        EXPECT_EQ(experiment.evaluation.at("kind"), kind) << use;
        // Paths start at the study's folder; a pattern stays one.
        EXPECT_EQ(experiment.evaluation.at("shards"), file("a/val-{00..09}.tar").string());
        EXPECT_EQ(experiment.evaluation.at("ids"), file("ids.txt").string());
    }
}

// What the preprocessing of every ImageNet model has to say.
void check_preprocess(Fields preprocess, std::int64_t size) {
    EXPECT_EQ(preprocess.integer("size", 1, 1024), size);
    const double crop = preprocess.number("crop", 0.875, 1.0);
    EXPECT_EQ(crop == 1.0, size == 384);
    EXPECT_EQ(preprocess.text("interpolation"), "bicubic");
    check_three(preprocess, "mean", 0.4, 0.5);
    check_three(preprocess, "std", 0.2, 0.5);
    preprocess.finish();
}

Json shape_defaults(const std::string& family) {
    if (family == "swin") return {{"epsilon", 1e-5}};
    return {
        {"distilled", false}, {"layer_scale", false}, {"token_position", true}, {"epsilon", 1e-6}};
}

// Shapes are those of timm's models (tests/golden/nn/make_timm_zoo.py).
TEST_F(ConfigsTest, EveryImagenetModelHasTimmsShapeAndAPublishedAccuracy) {
    const auto path = test::source_folder() / "tests/golden/nn/timm_zoo.json";
    const Json models = parse_json(read_text(path), path.string()).at("models");
    EXPECT_GE(models.size(), 33U);
    for (const auto& [name, golden] : models.items()) {
        const Json model = study_of(name).experiments[0].model;
        const Json& wanted = golden.at("shape");
        Json found = shape_defaults(wanted.at("family"));
        found.update(model);
        for (const auto& [key, value] : wanted.items()) EXPECT_EQ(found[key], value) << name << key;
        Fields fields(model, name);
        const double top1 = fields.number("float_top1", 70.0, 90.0);
        EXPECT_GT(top1, 70.0) << name;
        check_preprocess(fields.object("preprocess"), wanted.at("image_size"));
    }
}

TEST_F(ConfigsTest, EveryModelFileIsKnown) {
    const auto path = test::source_folder() / "tests/golden/nn/timm_zoo.json";
    const Json models = parse_json(read_text(path), path.string()).at("models");
    std::size_t others = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(test::source_folder() / "configs/models")) {
        const std::string name = entry.path().stem().string();
        if (models.contains(name)) continue;
        ++others;
        EXPECT_TRUE(name == "embedded_deit" || name == "swin_micro_cifar10" ||
                    name == "swin_base_in1k")
            << name;
    }
    EXPECT_EQ(others, 3U);
    // Another training of the same architecture.
    Json one = study_of("swin_base").experiments[0].model;
    Json two = study_of("swin_base_in1k").experiments[0].model;
    EXPECT_NE(one["float_top1"], two["float_top1"]);
    one.erase("float_top1");
    two.erase("float_top1");
    EXPECT_EQ(one, two);
}

TEST_F(ConfigsTest, MicroSwinIsForImagesAsTheyAre) {
    const Json model = study_of("swin_micro_cifar10").experiments[0].model;
    EXPECT_EQ(model["family"], "swin");
    EXPECT_EQ(model["image_size"], 32);
    EXPECT_EQ(model["window"], 4);
    EXPECT_EQ(model["depths"], (Json{2, 2, 2}));
    EXPECT_EQ(model["heads"], (Json{3, 6, 12}));
    EXPECT_EQ(model["classes"], 10);
    EXPECT_FALSE(model.contains("float_top1"));
    Fields preprocess(model["preprocess"], "preprocess");
    EXPECT_EQ(preprocess.integer("size", 1, 1024), 32);
    EXPECT_EQ(preprocess.text("interpolation"), "none");
    check_three(preprocess, "mean", 0.4, 0.5);
    check_three(preprocess, "std", 0.2, 0.3);
    preprocess.finish();
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
