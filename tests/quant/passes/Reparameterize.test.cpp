// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Reparameterize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "nn/Model.hpp"
#include "quant/Toy.hpp"
#include "quant/reference/Reference.hpp"
#include "support/TestData.hpp"

namespace aocq::quant {
namespace {

const Json method = {{"passes", {"fit", "sequential_fit", "reparameterize"}},
                     {"fit", {{"observer", "candidates"}}},
                     {"sequential_fit", {{"norm_inputs", "channel"}}},
                     {"rule",
                      {{{"kind", {"*.weight"}}, {"symmetry", "asymmetric"}},
                       {{"kind", {"attention.probability"}}, {"codec", "log_sqrt2"}}}}};

// Channels of very different size and place.
void uneven_norms(test::Toy& toy) {
    for (auto& [name, value] : toy.parameters) {
        if (name.find("norm") == std::string::npos) continue;
        const std::int64_t n = value.numel();
        const at::Tensor along = at::arange(n, at::kFloat);
        if (name.ends_with(".weight")) value = value * at::exp2(at::remainder(along, 7) - 3);
        if (name.ends_with(".bias")) value = value + (at::remainder(along, 5) - 2) * 3;
    }
}

double largest_change(const at::Tensor& before, const at::Tensor& after) {
    return ((after - before).abs().max() / (before.max() - before.min())).item<double>();
}

std::vector<Grid> uneven_grids(int bits) {
    std::vector<Grid> grids;
    for (int c = 0; c < 12; ++c)
        grids.push_back(
            {0.01F * static_cast<float>(1 + c * c), (c * 7) % (3 << bits) - (1 << bits)});
    return grids;
}

// METHODS 3.4 word by word, in double, with the zero point rounded.
TEST(Reparameterize, ScaleAndShiftAreThoseOfThePaper) {
    for (int bits = 2; bits <= 8; ++bits) {
        const std::vector<Grid> grids = uneven_grids(bits);
        const Reparameterization found = reparameterized(grids, bits);
        double s = 0, z = 0;
        for (const Grid& grid : grids) {
            s += static_cast<double>(grid.scale);
            z += grid.zero_point;
        }
        s /= 12;
        z /= 12;
        z = std::min(std::max(std::nearbyint(z), 0.0), std::ldexp(1.0, bits) - 1);
        EXPECT_NEAR(found.grid.scale, s, s * 1e-6);
        EXPECT_EQ(found.grid.zero_point, z);
        for (std::size_t c = 0; c < grids.size(); ++c) {
            const double sc = grids[c].scale, low = -grids[c].zero_point * sc;
            const double r = sc / s, b = low / r + z * s;
            const auto i = static_cast<std::int64_t>(c);
            EXPECT_NEAR(found.balance.scale[i].item<double>(), r, r * 1e-6);
            EXPECT_NEAR(found.balance.shift[i].item<double>(), b * r,
                        1e-6 * (std::abs(b * r) + sc));
        }
    }
}

TEST(Reparameterize, EveryValueKeepsItsCode) {
    for (int bits = 2; bits <= 8; ++bits) {
        const std::vector<Grid> grids = uneven_grids(bits);
        const Reparameterization found = reparameterized(grids, bits);
        for (std::size_t c = 0; c < grids.size(); ++c) {
            const auto i = static_cast<std::int64_t>(c);
            const double r = found.balance.scale[i].item<double>();
            const double m = found.balance.shift[i].item<double>();
            // Between the steps' edges, on and beyond the grid.
            for (int code = -2; code < (1 << bits) + 2; ++code) {
                const double x = (code + 0.3 - grids[c].zero_point) * grids[c].scale;
                const int wanted = std::min(std::max(code, 0), (1 << bits) - 1);
                EXPECT_EQ(reference::code(static_cast<float>((x - m) / r), found.grid, bits),
                          wanted)
                    << bits << " " << c;
            }
        }
    }
}

TEST(Reparameterize, WithoutAShiftCoversAllChannels) {
    const std::vector<Grid> grids = uneven_grids(4);
    const Reparameterization found = rescaled(grids, 4);
    EXPECT_EQ(found.balance.shift.abs().max().item<double>(), 0.0);
    const Range covered = range_of(found.grid, 4);
    for (std::size_t c = 0; c < grids.size(); ++c) {
        const double r = found.balance.scale[static_cast<std::int64_t>(c)].item<double>();
        const Range channel = range_of(grids[c], 4);
        EXPECT_LE(covered.low, channel.low / r + found.grid.scale * 0.51);
        EXPECT_GE(covered.high, channel.high / r - found.grid.scale * 0.51);
    }
}

void expect_float_function_kept(const test::Toy& toy, std::size_t biases) {
    const QuantizedModel model = toy.made_by(method, {8, 8});
    EXPECT_FALSE(model.balanced.empty());
    EXPECT_EQ(model.edits.size(), biases);
    EXPECT_LE(largest_change(toy.logits(), toy.rewritten(model)), 1e-5);
    for (const Quantizer& q : model.quantization.quantizers()) {
        if (q.id.ends_with(":weight")) continue;
        EXPECT_EQ(q.scheme.granularity, Granularity::tensor) << q.id;
        EXPECT_EQ(q.grids.size(), 1U) << q.id;
    }
}

TEST(Reparameterize, LeavesTheFloatFunctionOfAVitAsItWas) {
    expect_float_function_kept(test::Toy(nn::build_vit(test::small_shape()), uneven_norms), 0);
}

TEST(Reparameterize, LeavesTheFloatFunctionOfASwinAsItWas) {
    // The patch merging's layer has no bias and gets one.
    expect_float_function_kept(test::Toy(nn::build_swin(test::small_swin()), uneven_norms), 1);
}

Json shape_of_vit(std::int64_t image, std::int64_t patch, std::int64_t width, std::int64_t depth,
                  std::int64_t classes) {
    return {{"family", "vit"}, {"image_size", image}, {"patch_size", patch}, {"width", width},
            {"depth", depth},  {"heads", 3},          {"mlp_ratio", 4.0},    {"classes", classes}};
}

void expect_trained_model_kept(Json spec, const std::filesystem::path& weights) {
    SCOPED_TRACE(weights.filename());
    spec["weights"] = weights.string();
    const nn::Model model = nn::load_model(nn::model_spec_from(Fields(spec, "model")));
    const std::int64_t side = model.spec.image_size();
    const test::Toy toy(model.graph, [&](test::Toy& made) {
        made.parameters = model.parameters;
        made.images = test::formula("image", {2, 3, side, side}) * 3;
    });
    expect_float_function_kept(toy, spec["family"] == "swin" ? 2 : 0);
}

TEST(Reparameterize, LeavesTheFloatFunctionOfTheEmbeddedModelAsItWas) {
    expect_trained_model_kept(shape_of_vit(64, 8, 96, 4, 20),
                              test::source_folder() / "experiments/embedded_deit.safetensors");
}

TEST(Reparameterize, LeavesTheFloatFunctionOfTrainedModelsAsItWas) {
    AOCQ_REAL_DATA_OR_SKIP(folder);
    const std::filesystem::path weights = folder / "weights";
    expect_trained_model_kept(shape_of_vit(224, 16, 192, 12, 1000),
                              weights / "deit_tiny_patch16_224.safetensors");
    expect_trained_model_kept(shape_of_vit(224, 16, 192, 12, 1000),
                              weights / "vit_tiny_patch16_224_augreg.safetensors");
    expect_trained_model_kept({{"family", "swin"},
                               {"image_size", 32},
                               {"patch_size", 2},
                               {"window", 4},
                               {"width", 48},
                               {"depths", {2, 2, 2}},
                               {"heads", {3, 6, 12}},
                               {"classes", 10}},
                              weights / "swin_micro_cifar10.safetensors");
}

// Per-channel codes survive, so what the student computes changes by its weights' new grids only.
TEST(Reparameterize, QuantizesInputsAsTheChannelsGridsDid) {
    const test::Toy toy(nn::build_vit(test::small_shape()), uneven_norms);
    const Json weights_float = {{"kind", {"*.weight"}}, {"quantize", false}};
    Json wise = method;
    wise["passes"] = {"fit", "sequential_fit"};
    const at::Tensor channels =
        toy.simulated(toy.made_by(wise, {8, 4}, {test::rule(weights_float)}));
    const at::Tensor merged =
        toy.simulated(toy.made_by(method, {8, 4}, {test::rule(weights_float)}));
    Json plain = method;
    plain["passes"] = {"fit", "sequential_fit"};
    plain["sequential_fit"]["norm_inputs"] = "scheme";
    const at::Tensor tensors =
        toy.simulated(toy.made_by(plain, {8, 4}, {test::rule(weights_float)}));
    EXPECT_LE(largest_change(channels, merged), 0.02);
    const at::Tensor truth = toy.logits();
    EXPECT_LT(largest_change(truth, merged), largest_change(truth, tensors));
}

TEST(Reparameterize, RefusesSymmetricInputs) {
    const test::Toy toy;
    try {
        toy.made_by(method, {8, 8},
                    {test::rule({{"kind", {"linear.input"}}, {"symmetry", "symmetric"}})});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("node"), "blocks.0.attn.qkv");
    }
}

}  // namespace
}  // namespace aocq::quant
