// SPDX-License-Identifier: Apache-2.0
#include "nn/Model.hpp"

#include <gtest/gtest.h>

namespace aocq::nn {
namespace {

Json tiny_section() {
    return {{"family", "vit"}, {"image_size", 32}, {"patch_size", 8}, {"width", 48},  {"depth", 2},
            {"heads", 3},      {"classes", 10},    {"weights", "w"},  {"name", "toy"}};
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
    EXPECT_EQ(spec.shape.mlp_ratio, 4.0);
    EXPECT_EQ(spec.preprocess.image_size, 32);
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
