// SPDX-License-Identifier: Apache-2.0
// Every method of configs/methods where the model lies on another device than the CPU: on a GPU
// where there is one, else on the strict device.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "config/Toml.hpp"
#include "core/Files.hpp"
#include "nn/Numerics.hpp"
#include "quant/StrictDevice.hpp"
#include "quant/Toy.hpp"
#include "support/TestData.hpp"

namespace aocq::quant {
namespace {

std::filesystem::path methods() {
    return test::source_folder() / "configs" / "methods";
}

std::vector<std::string> method_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(methods()))
        names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

// With a few iterations, rounds and candidates, and groups that fit the toys.
Json method_of(const std::string& name) {
    const auto file = methods() / (name + ".toml");
    Json method = config::parse_toml(read_text(file), file.string()).tree;
    method.erase("description");
    for (const char* key : {"iterations", "step_iterations"}) {
        if (method.contains("block_reconstruction")) method["block_reconstruction"][key] = 5;
    }
    if (method.contains("layer_distillation")) method["layer_distillation"]["iterations"] = 5;
    if (method.contains("scale_search")) {
        method["scale_search"]["candidates"] = 8;
        method["scale_search"]["rounds"] = 2;
    }
    if (method.contains("rule")) {
        for (Json& rule : method["rule"]) {
            if (rule.contains("group")) rule["group"] = 24;
        }
    }
    if (method.contains("adversarial_tuning")) {
        method["adversarial_tuning"]["iterations"] = 2;
        method["adversarial_tuning"]["synthesis_iterations"] = 2;
    }
    return method;
}

void move(test::Toy& toy, const at::Device& device) {
    for (auto& [name, tensor] : toy.parameters) tensor = tensor.to(device);
    toy.images = toy.images.to(device);
}

// On the device a method comes as close to the float model as on the CPU; and from 6 bits on to the
// same place. At 4 bits one code that a rounding of float32 moved can move the logits by more.
void check(const nn::Graph& graph, const Json& method, Widths widths) {
    test::Toy here(graph), there(graph);
    here.observe_outputs();
    there.observe_outputs();
    move(there, test::other_device());
    const at::Tensor exact = here.logits();
    const at::Tensor wanted = here.simulated(here.made_by(method, widths));
    const at::Tensor found = there.simulated(there.made_by(method, widths)).cpu();
    const auto apart = [&](const at::Tensor& a, const at::Tensor& b) {
        return ((a - b).abs().max() / (exact.max() - exact.min())).item<double>();
    };
    EXPECT_LE(apart(found, exact), 2 * apart(wanted, exact) + 0.02) << widths.weights;
    if (widths.weights >= 6) {
        EXPECT_LE(apart(found, wanted), 0.1) << widths.weights;
    }
}

// A GPU may round the operands of products to fewer bits unless it is told not to.
TEST(DeviceFloat, GivesTheLogitsOfTheCpu) {
    nn::set_numerics(1);
    for (const nn::Graph& graph :
         {nn::build_vit(test::small_shape()), nn::build_swin(test::small_swin())}) {
        const test::Toy here(graph);
        test::Toy there(graph);
        move(there, test::other_device());
        const at::Tensor wanted = here.logits(), found = there.logits().cpu();
        const double range = (wanted.max() - wanted.min()).item<double>();
        EXPECT_LE((found - wanted).abs().max().item<double>(), 3e-6 * range);
    }
}

class DeviceMethods : public testing::TestWithParam<std::string> {};

TEST_P(DeviceMethods, GiveOnAVitWhatTheyGiveOnTheCpu) {
    for (const Widths widths : {Widths{8, 8}, Widths{4, 4}})
        check(nn::build_vit(test::small_shape()), method_of(GetParam()), widths);
}

TEST_P(DeviceMethods, GiveOnASwinWhatTheyGiveOnTheCpu) {
    check(nn::build_swin(test::small_swin()), method_of(GetParam()), Widths{6, 6});
}

// What no method's file turns on.
TEST(DeviceOptions, OfThePassesOfAocqWorkToo) {
    const char* const rounding[] = {
        R"({"solver": "sweep", "bias": true})",
        R"({"solver": "halves", "teacher": 0.5})",
        R"({"solver": "learned", "output": "diagonal"})",
        R"({"solver": "descent", "output": "full", "refinement": "learned", "tokens": "class"})",
    };
    const char* const steps[] = {
        R"({"form": "lsq", "objective": "block", "iterations": 3})",
        R"({"form": "pact", "objective": "layer", "iterations": 3})",
        R"({"form": "dsq", "objective": "block", "target": "prefix", "iterations": 3})",
        R"({"form": "search", "mean": "removed", "tokens": "class"})",
    };
    for (std::size_t i = 0; i < std::size(rounding); ++i) {
        Json method = method_of("aocq");
        method["weight_rounding"].merge_patch(Json::parse(rounding[i]));
        method["activation_step"].merge_patch(Json::parse(steps[i]));
        method["channel_balance"]["judges"] = i % 2 == 0 ? 2 : 0;
        method["channel_balance"]["refinements"] = i % 2 == 0 ? 0 : 3;
        SCOPED_TRACE(method.dump());
        check(nn::build_vit(test::small_shape()), method, Widths{6, 6});
    }
}

TEST(DeviceOptions, OfTheBaselinesWorkToo) {
    const Json fit = {{"passes", {"fit", "bias_correction"}}};
    check(nn::build_swin(test::small_swin()), fit, Widths{6, 6});
    Json released = method_of("ptq4vit");
    released["scale_search"]["as_released"] = true;
    check(nn::build_vit(test::small_shape()), released, Widths{6, 6});
    Json drawn = method_of("ptq4vit");
    drawn["scale_search"]["draws"] = 2;
    check(nn::build_vit(test::small_shape()), drawn, Widths{6, 6});
    Json integers = method_of("fq_vit");
    integers["rule"].push_back({{"kind", "attention.probability"}, {"codec", "log_int"}});
    integers["rule"].push_back({{"kind", "attention.score"}, {"quantize", true}});
    check(nn::build_vit(test::small_shape()), integers, Widths{8, 8});
    for (const char* unit : {"layer", "block"}) {
        Json learned = method_of("brecq");
        learned["block_reconstruction"]["unit"] = unit;
        learned["block_reconstruction"]["input"] = "mixed";
        learned["block_reconstruction"]["drop"] = 0.5;
        check(nn::build_vit(test::small_shape()), learned, Widths{6, 6});
    }
}

INSTANTIATE_TEST_SUITE_P(All, DeviceMethods, testing::ValuesIn(method_names()),
                         [](const auto& named) { return named.param; });

}  // namespace
}  // namespace aocq::quant
