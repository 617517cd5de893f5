// SPDX-License-Identifier: Apache-2.0
#include "nn/Weights.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "nn/Formula.hpp"
#include "nn/Safetensors.hpp"
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
