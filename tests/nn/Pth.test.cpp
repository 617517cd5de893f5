// SPDX-License-Identifier: Apache-2.0
#include "nn/Pth.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "nn/Formula.hpp"
#include "nn/PickleText.hpp"
#include "nn/Weights.hpp"
#include "support/TempFolder.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

// The model of tests/golden/nn/make_pth.py.
VitShape width_of_four() {
    VitShape shape;
    shape.image_size = 4;
    shape.patch_size = 2;
    shape.width = 4;
    shape.depth = 1;
    shape.heads = 1;
    shape.mlp_ratio = 1.0;
    shape.classes = 2;
    return shape;
}

std::filesystem::path golden(const std::string& name) {
    return test::source_folder() / "tests/golden/nn" / name;
}

class PthFile : public testing::Test {
  protected:
    test::TempFolder folder;
    std::filesystem::path file = folder / "w.pth";
    Graph graph = build_vit(width_of_four());

    Error error_of_opening() const {
        try {
            const auto weights = open_weights(file);
            for (const auto& [name, info] : weights->tensors()) weights->read(name);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::input);
            EXPECT_EQ(error.field("file"), file.string());
            return error;
        }
        return Error::internal("accepted");
    }
    // Six floats and a tensor that claims what it likes about them.
    std::string reason_against(const test::PickledTensor& tensor) const {
        test::write_zip(file, {{"a/data.pkl", test::pickled_state(tensor)},
                               {"a/data/0", std::string(24, '\1')}});
        const Error error = error_of_opening();
        return error.problem() == "accepted" ? "accepted" : error.reason();
    }
};

TEST_F(PthFile, GivesTheSameWeightsAndFingerprintAsSafetensors) {
    const Parameters wanted = test::formula_parameters(graph);
    save_weights(folder / "w.safetensors", wanted, {});
    const std::string print = fingerprint(load_weights(graph, folder / "w.safetensors"));
    for (const char* name : {"plain.pth", "nested.pth"}) {
        const Parameters loaded = load_weights(graph, golden(name));
        for (const auto& [key, tensor] : wanted)
            EXPECT_TRUE(at::equal(loaded.at(key), tensor)) << name << " " << key;
        EXPECT_EQ(fingerprint(loaded), print) << name;
        EXPECT_NO_THROW(check_weights(graph, golden(name)));
    }
}

TEST_F(PthFile, IsKnownByItsContentNotItsName) {
    std::filesystem::copy_file(golden("plain.pth"), folder / "w.safetensors");
    EXPECT_NO_THROW(load_weights(graph, folder / "w.safetensors"));
    save_weights(file, test::formula_parameters(graph), {});
    EXPECT_NO_THROW(load_weights(graph, file));
}

TEST_F(PthFile, ViewsOfOneStorageAreReadWithTheirStridesAndTypes) {
    const auto weights = open_weights(golden("shared.pth"));
    const at::Tensor base = at::arange(24, at::kFloat);
    const std::map<std::string, at::Tensor> wanted{
        {"rows", base.view({4, 6})},
        {"columns", base.view({4, 6}).t()},
        {"middle", base.slice(0, 5, 17).view({3, 4})},
        {"every_second", base.slice(0, 1, 24, 2)},
        {"repeated", base.as_strided({4, 5}, {1, 1}, 2)},
        {"number", base[23]},
        {"empty", base.slice(0, 0, 0)},
        {"half", base.to(at::kHalf).view({6, 4})},
        {"bfloat", base.to(at::kBFloat16)},
        {"counts", at::tensor({std::int64_t{1}, std::int64_t{-2}, std::int64_t{1} << 40})}};
    ASSERT_EQ(weights->tensors().size(), wanted.size());
    for (const auto& [name, tensor] : wanted) {
        const at::Tensor found = weights->read(name);
        EXPECT_EQ(weights->tensors().at(name).shape, tensor.sizes()) << name;
        EXPECT_TRUE(found.is_contiguous()) << name;
        EXPECT_EQ(found.scalar_type(), tensor.scalar_type()) << name;
        EXPECT_TRUE(at::equal(found, tensor)) << name;
    }
}

TEST_F(PthFile, AWholeModuleIsRefusedByItsClass) {
    try {
        load_weights(graph, golden("module.pth"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.problem(), "a PyTorch file holds more than tensors and plain values");
        EXPECT_EQ(error.field("class"), "torch.nn.modules.linear.Linear");
        EXPECT_EQ(error.field("file"), golden("module.pth").string());
    }
}

TEST_F(PthFile, TheOldFormatIsRefusedByName) {
    try {
        load_weights(graph, golden("legacy.pth"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.problem(), "a PyTorch file in the format from before version 1.6");
        EXPECT_NE(error.remedy().find("torch.save"), std::string::npos);
    }
}

TEST_F(PthFile, ClaimsBeyondTheStorageAreRefused) {
    constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(reason_against({}), "accepted");
    EXPECT_EQ(reason_against({.offset = 1}), "it reaches beyond its storage");
    EXPECT_EQ(reason_against({.offset = huge}), "it reaches beyond its storage");
    EXPECT_EQ(reason_against({.strides = {4, 1}}), "it reaches beyond its storage");
    EXPECT_EQ(reason_against({.strides = {huge, huge}}), "it reaches beyond its storage");
    EXPECT_EQ(reason_against({.sizes = {2, 4}}), "its shape has more values than its storage");
    EXPECT_EQ(reason_against({.sizes = {huge, huge}, .strides = {0, 0}}),
              "its shape has more values than its storage");
    EXPECT_EQ(reason_against({.count = 7}), "a storage has another size than the pickle says");
    EXPECT_EQ(reason_against({.count = huge}), "a storage has another size than the pickle says");
    EXPECT_EQ(reason_against({.type = "HalfStorage"}),
              "a storage has another size than the pickle says");
    EXPECT_EQ(reason_against({.key = "1"}), "its numbers are not in the archive");
    EXPECT_EQ(reason_against({.offset = -1}), "a tensor's offset is no count");
    EXPECT_EQ(reason_against({.sizes = {-2, 3}}), "a tensor's size is no count");
    EXPECT_EQ(reason_against({.sizes = {6}}), "a tensor's size and stride differ in length");
    EXPECT_EQ(reason_against({.sizes = {0, 3}, .strides = {huge, 1}}), "accepted");
}

TEST_F(PthFile, ArchivesOfOtherKindsAreRefused) {
    test::write_zip(file, {{"arr_0.npy", "x"}});
    EXPECT_EQ(error_of_opening().problem(), "a zip archive that is no PyTorch file");
    test::write_zip(file, {{"a/data.pkl", std::string("\x80\x02}.")}});
    EXPECT_EQ(error_of_opening().problem(), "a PyTorch file without a state dict");
    test::write_zip(file, {{"a/data.pkl", test::pickled_state({})},
                           {"a/data/0", std::string(24, '\1')},
                           {"a/byteorder", "big"}});
    EXPECT_EQ(error_of_opening().reason(), "its numbers are not little-endian");
    test::write_zip(file, {{"a/data.pkl", std::string(5000, 'N')}}, ZIP_CM_DEFLATE);
    EXPECT_EQ(error_of_opening().reason(), "a file in the archive is compressed or encrypted");
}

TEST_F(PthFile, TruncatedAnywhereIsRefused) {
    const std::string whole = read_text(golden("plain.pth"));
    for (std::size_t size = 4; size < whole.size(); size += 13) {
        write_text(file, whole.substr(0, size));
        EXPECT_NE(error_of_opening().problem(), "accepted") << size;
    }
}

// A flipped bit is found by a checksum, or lies where nothing is read.
TEST_F(PthFile, FlippedBitsNeverChangeTheWeights) {
    const std::string whole = read_text(golden("plain.pth"));
    const std::string print = fingerprint(load_weights(graph, golden("plain.pth")));
    std::size_t refused = 0;
    for (std::size_t place = 0; place < whole.size(); place += 3) {
        std::string changed = whole;
        changed[place] = static_cast<char>(changed[place] ^ (1 << (place % 8)));
        write_text(file, changed);
        try {
            EXPECT_EQ(fingerprint(load_weights(graph, file)), print) << place;
        } catch (const Error&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 300U);
}

}  // namespace
}  // namespace aocq::nn
