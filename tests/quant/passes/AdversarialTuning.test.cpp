// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/AdversarialTuning.hpp"

#include <gtest/gtest.h>

#include "quant/ImageSynthesis.hpp"
#include "quant/Toy.hpp"
#include "quant/passes/StudentTuning.hpp"

namespace aocq::quant {
namespace {

Json tuning(const Json& options) {
    return {{"passes", {"fit", "adversarial_tuning"}},
            {"fit", {{"observer", "minmax"}}},
            {"adversarial_tuning", options}};
}

const Json small = {{"rounds", 2},      {"images", 8},  {"synthesis_iterations", 4},
                    {"iterations", 20}, {"rate", 1e-3}, {"step_rate", 5e-3}};

double distance(const test::Toy& toy, const QuantizedModel& model) {
    return (toy.simulated(model) - toy.logits()).abs().mean().item<double>();
}

const Json& entry_of(const QuantizedModel& model) {
    return model.report.back().at("sites").at("logits");
}

TEST(AdversarialTuning, BringsTheLogitsOfImagesThatItNeverSawNearer) {
    const test::Toy toy;
    const QuantizedModel tuned = toy.made_by(tuning(small), {4, 4});
    const Json& entry = entry_of(tuned);
    ASSERT_EQ(entry.at("accepted"), true) << entry.dump();
    EXPECT_LT(entry.at("after").get<double>(), entry.at("before").get<double>());
    EXPECT_LT(distance(toy, tuned), distance(toy, toy.fitted({4, 4}, {{"observer", "minmax"}})));
    // The report speaks of the model that comes out.
    EXPECT_NEAR(distance(toy, tuned), entry.at("after").get<double>(), 1e-4);
    EXPECT_FALSE(tuned.changed.empty());
}

TEST(AdversarialTuning, WhatDoesNotHelpChangesNothing) {
    const test::Toy toy;
    Json wild = small;
    wild["rate"] = 5.0;
    const QuantizedModel model = toy.made_by(tuning(wild), {8, 8});
    ASSERT_EQ(entry_of(model).at("accepted"), false);
    EXPECT_TRUE(model.changed.empty());
    EXPECT_EQ(distance(toy, model), distance(toy, toy.fitted({8, 8}, {{"observer", "minmax"}})));
}

TEST(AdversarialTuning, IsTheSameEveryTime) {
    const test::Toy toy;
    const QuantizedModel one = toy.made_by(tuning(small), {4, 8});
    const QuantizedModel two = toy.made_by(tuning(small), {4, 8});
    ASSERT_EQ(one.changed.size(), two.changed.size());
    for (const auto& [name, value] : one.changed)
        EXPECT_TRUE(at::equal(value, two.changed.at(name))) << name;
}

TEST(AdversarialTuning, WorksThroughShiftedWindows) {
    const test::Toy toy(nn::build_swin(test::small_swin()));
    const QuantizedModel tuned = toy.made_by(tuning(small), {4, 4});
    EXPECT_LE(entry_of(tuned).at("after").get<double>(),
              entry_of(tuned).at("before").get<double>());
    EXPECT_TRUE(at::isfinite(toy.simulated(tuned)).all().item<bool>());
}

// Images against the student are farther from the teacher than those that only look like images.
TEST(AdversarialTuning, ImagesAreMadeAgainstTheQuantizedModel) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const QuantizedModel model = toy.fitted({4, 4}, {{"observer", "minmax"}});
    const StudentOptions learning;
    const PassContext context = toy.context();
    const StudentTuning student(learning, context, model);
    SynthesisOptions options;
    options.iterations = 20;
    options.rate = 0.05;
    options.label_weight = 0;
    const auto mean_distance = [&](double weight) {
        const ImageSynthesis synthesis(student.graph(), student.teacher(),
                                       {32, {-2, -2, -2}, {2, 2, 2}}, options, RandomKey(1),
                                       [&](const at::Tensor& images, const at::Tensor& logits) {
                                           return student.distance(images, logits) * -weight;
                                       });
        const at::Tensor images = synthesis.make(0, 4, [] {});
        return student.distance(images, nn::forward(toy.graph, toy.parameters, images))
            .mean()
            .item<double>();
    };
    EXPECT_GT(mean_distance(1000), 1.2 * mean_distance(0));
}

}  // namespace
}  // namespace aocq::quant
