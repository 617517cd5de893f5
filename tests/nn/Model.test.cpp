// SPDX-License-Identifier: Apache-2.0
#include "nn/Model.hpp"

#include <gtest/gtest.h>

namespace aocq::nn {
namespace {

Json tiny_section() {
    return {{"family", "vit"}, {"image_size", 32}, {"patch_size", 8}, {"width", 48},  {"depth", 2},
            {"heads", 3},      {"classes", 10},    {"weights", "w"},  {"name", "toy"}};
}

Json micro_section() {
    return {{"family", "swin"},    {"image_size", 32}, {"patch_size", 2},
            {"window", 4},         {"width", 48},      {"depths", {2, 2, 2}},
            {"heads", {3, 6, 12}}, {"classes", 10},    {"weights", "w"}};
}

std::string failing_key(const Json& section) {
    try {
        model_spec_from(Fields(section, "model"));
    } catch (const Error& error) {
        return error.field("key");
    }
    return "accepted";
}

TEST(Model, SectionIsReadWithItsDefaults) {
    const ModelSpec spec = model_spec_from(Fields(tiny_section(), "model"));
    EXPECT_EQ(spec.name, "toy");
    EXPECT_EQ(std::get<VitShape>(spec.shape).mlp_ratio, 4.0);
    EXPECT_EQ(spec.classes(), 10);
    EXPECT_EQ(spec.preprocess.image_size, 32);
}

TEST(Model, SwinSectionIsRead) {
    const ModelSpec spec = model_spec_from(Fields(micro_section(), "model"));
    EXPECT_EQ(spec.family, "swin");
    EXPECT_EQ(std::get<SwinShape>(spec.shape).heads, (std::vector<std::int64_t>{3, 6, 12}));
    EXPECT_EQ(spec.image_size(), 32);
    EXPECT_EQ(spec.preprocess.image_size, 32);
    EXPECT_EQ(build_graph(spec).blocks().size(), 8U);  // two mergings count
}

TEST(Model, SwinStagesMustAgree) {
    Json section = micro_section();
    section["heads"] = {3, 6};
    EXPECT_EQ(failing_key(section), "model.heads");
    section = micro_section();
    section["heads"] = {3, 6, 11};
    EXPECT_EQ(failing_key(section), "model.heads[2]");
    section = micro_section();
    section["depths"] = {2, 0, 2};
    EXPECT_EQ(failing_key(section), "model.depths");
    section = micro_section();
    section["depth"] = 2;
    EXPECT_EQ(failing_key(section), "model.depth");
}

TEST(Model, UnknownKeyFamilyAndMissingWeightsAreErrors) {
    Json section = tiny_section();
    section["widht"] = 3;
    EXPECT_EQ(failing_key(section), "model.widht");
    section = tiny_section();
    section["family"] = "swim";
    EXPECT_EQ(failing_key(section), "model.family");
    section = tiny_section();
    section.erase("weights");
    EXPECT_EQ(failing_key(section), "model.weights");
}

TEST(Model, PreprocessedSizeMustBeTheModels) {
    Json section = tiny_section();
    section["preprocess"] = {{"size", 64}};
    EXPECT_EQ(failing_key(section), "model.preprocess.size");
}

}  // namespace
}  // namespace aocq::nn
