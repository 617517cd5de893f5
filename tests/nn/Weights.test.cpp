// SPDX-License-Identifier: Apache-2.0
#include "nn/Weights.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "nn/Formula.hpp"
#include "nn/Safetensors.hpp"
#include "nn/Swin.hpp"
#include "support/TempFolder.hpp"

namespace aocq::nn {
namespace {

class WeightsFile : public testing::Test {
  protected:
    test::TempFolder folder;
    std::filesystem::path file = folder / "w.safetensors";
    Graph graph = build_vit(test::small_shape());
    Parameters parameters = test::formula_parameters(graph);

    Error error_of_loading() {
        save_weights(file, parameters, {});
        try {
            load_weights(graph, file);
        } catch (const Error& error) {
            return error;
        }
        return Error::internal("accepted");
    }
};

TEST_F(WeightsFile, LoadAsSaved) {
    save_weights(file, parameters, {});
    const Parameters back = load_weights(graph, file);
    for (const auto& [name, tensor] : parameters)
        EXPECT_TRUE(at::equal(back.at(name), tensor)) << name;
    EXPECT_EQ(fingerprint(back), fingerprint(parameters));
}

TEST_F(WeightsFile, ListMissingUnexpectedAndMisshapenTogether) {
    parameters.erase("blocks.1.norm2.bias");
    parameters["extra.weight"] = at::ones({2});
    parameters["head.weight"] = at::ones({11, 48});
    const Error error = error_of_loading();
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("missing"), "blocks.1.norm2.bias");
    EXPECT_EQ(error.field("unexpected"), "extra.weight");
    EXPECT_EQ(error.field("wrong_shape"), "head.weight [11, 48] (wanted [10, 48])");
    EXPECT_EQ(error.field("file"), file.string());
}

TEST_F(WeightsFile, ValueThatIsNotFiniteNamesItsTensor) {
    parameters["norm.weight"].view(-1)[5] = std::numeric_limits<float>::quiet_NaN();
    const Error error = error_of_loading();
    EXPECT_EQ(error.problem(), "a weight is not finite");
    EXPECT_EQ(error.field("tensor"), "norm.weight");
}

TEST_F(WeightsFile, PrefixesOfWrappersAreTakenOffWhereAllNamesHaveThem) {
    Parameters wrapped;
    for (const auto& [name, tensor] : parameters) wrapped["module.backbone." + name] = tensor;
    save_weights(file, wrapped, {});
    EXPECT_EQ(fingerprint(load_weights(graph, file)), fingerprint(parameters));
    wrapped["head.scale"] = at::ones({1});
    save_weights(file, wrapped, {});
    EXPECT_THROW(load_weights(graph, file), Error);
}

TEST_F(WeightsFile, BuffersThatTheGraphComputesMayBeThere) {
    Parameters more = parameters;
    more["layers.0.blocks.0.attn.relative_position_index"] = at::ones({2});
    more["layers.0.blocks.1.attn_mask"] = at::zeros({2});
    save_weights(file, more, {});
    EXPECT_EQ(fingerprint(load_weights(graph, file)), fingerprint(parameters));
}

TEST_F(WeightsFile, OriginalSwinNamesAreKnown) {
    SwinShape shape;
    shape.image_size = 32;
    shape.width = 8;
    shape.depths = {1, 1, 1};
    shape.heads = {1, 2, 4};
    shape.classes = 3;
    const Graph swin = build_swin(shape);
    const Parameters weights = test::formula_parameters(swin);
    const NameMap names = original_swin_names(shape);
    EXPECT_EQ(names.at("layers.1.downsample.reduction.weight"),
              "layers.0.downsample.reduction.weight");
    EXPECT_EQ(names.at("layers.2.downsample.norm.bias"), "layers.1.downsample.norm.bias");
    EXPECT_EQ(names.at("head.fc.bias"), "head.bias");
    Parameters original;
    for (const auto& [name, tensor] : weights) original[names.at(name)] = tensor;
    original["layers.0.blocks.0.attn.relative_position_index"] = at::ones({2});
    save_weights(file, original, {});
    EXPECT_EQ(fingerprint(load_weights(swin, file, names)), fingerprint(weights));
    EXPECT_THROW(load_weights(swin, file), Error);
    save_weights(file, weights, {});  // timm's names still do
    EXPECT_EQ(fingerprint(load_weights(swin, file, names)), fingerprint(weights));
}

TEST_F(WeightsFile, HalfPrecisionIsWidened) {
    Parameters rounded;
    for (const auto& [name, tensor] : parameters)
        rounded[name] = tensor.to(at::kHalf).to(at::kFloat);
    // The file is written by hand: save_weights writes F32 only.
    Json header = Json::object();
    std::string data;
    for (const auto& [name, tensor] : parameters) {
        const at::Tensor half = tensor.to(at::kHalf).contiguous();
        const std::size_t begin = data.size();
        data.append(static_cast<const char*>(half.data_ptr()), half.nbytes());
        header[name] = {{"dtype", "F16"},
                        {"shape", half.sizes().vec()},
                        {"data_offsets", {begin, data.size()}}};
    }
    const std::string text = canonical_json(header);
    const std::uint64_t size = text.size();
    write_text(file, std::string(reinterpret_cast<const char*>(&size), 8) + text + data);
    EXPECT_EQ(fingerprint(load_weights(graph, file)), fingerprint(rounded));
}

TEST_F(WeightsFile, IntegerWeightsAreRefused) {
    save_weights(file, parameters, {});
    std::string text = read_text(file);
    // The head's bias keeps its size when its type becomes I32.
    const auto place = text.find("\"head.bias\":{\"data_offsets\"");
    ASSERT_NE(place, std::string::npos);
    text.replace(text.find("\"F32\"", place), 5, "\"I32\"");
    write_text(file, text);
    try {
        check_weights(graph, file);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("wrong_dtype"), "head.bias I32");
    }
}

TEST_F(WeightsFile, FingerprintSeesOneChangedBit) {
    const std::string before = fingerprint(parameters);
    parameters["pos_embed"].view(-1)[0] += 1e-3;
    EXPECT_NE(fingerprint(parameters), before);
}

}  // namespace
}  // namespace aocq::nn
