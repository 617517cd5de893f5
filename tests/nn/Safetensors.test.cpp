// SPDX-License-Identifier: Apache-2.0
#include "nn/Safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/TempFolder.hpp"

namespace aocq::nn {
namespace {

class SafetensorsFile : public testing::Test {
  protected:
    test::TempFolder folder;
    std::filesystem::path file = folder / "w.safetensors";

    void write(const std::string& header, std::size_t data, std::uint64_t claimed = 0) const {
        const std::uint64_t size = claimed ? claimed : header.size();
        std::string text(reinterpret_cast<const char*>(&size), 8);
        write_text(file, text + header + std::string(data, '\1'));
    }
    std::string reason() const {
        try {
            const Safetensors opened(file);
            return "accepted";
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::input);
            EXPECT_EQ(error.field("file"), file.string());
            return error.reason();
        }
    }
};

TEST_F(SafetensorsFile, ComesBackAsWritten) {
    const std::vector<float> a{1, 2, 3, 4, 5, 6}, b{7};
    write_safetensors(file, std::vector<NamedFloats>{{"b.weight", {1}, b}, {"a", {2, 3}, a}},
                      {{"format", "pt"}});
    const Safetensors opened(file);
    ASSERT_EQ(opened.tensors().size(), 2U);
    EXPECT_EQ(opened.metadata().at("format"), "pt");
    const TensorView& view = opened.tensors().at("a");
    EXPECT_EQ(view.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(std::memcmp(view.bytes.data(), a.data(), 24), 0);
}

TEST_F(SafetensorsFile, TruncatedAnywhereIsRefused) {
    const std::vector<float> a(64, 1.0F);
    write_safetensors(file, std::vector<NamedFloats>{{"a", {64}, a}}, {});
    const std::string whole = read_text(file);
    for (std::size_t size = 0; size < whole.size(); size += 3) {
        write_text(file, whole.substr(0, size));
        EXPECT_NE(reason(), "accepted") << size;
    }
}

TEST_F(SafetensorsFile, OversizedHeaderIsRefusedBeforeItIsRead) {
    write("{}", 0, std::uint64_t{1} << 62);
    EXPECT_EQ(reason(), "the header claims to be larger than the file or the format allows");
}

TEST_F(SafetensorsFile, OverlappingTensorsAreRefused) {
    write(
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
        12);
    EXPECT_EQ(reason(), "two tensors overlap");
}

TEST_F(SafetensorsFile, HolesAreRefused) {
    write(
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
        12);
    EXPECT_EQ(reason(), "there is a hole before a tensor");
    write(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 12);
    EXPECT_EQ(reason(), "there are bytes after the last tensor");
}

TEST_F(SafetensorsFile, OffsetsOutsideTheFileAreRefused) {
    write(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}})", 4);
    EXPECT_EQ(reason(), "the offsets lie outside the file");
}

TEST_F(SafetensorsFile, ShapeThatDoesNotFitItsOffsetsIsRefused) {
    write(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4);
    EXPECT_EQ(reason(), "the shape is larger than the file");
    write(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8);
    EXPECT_EQ(reason(), "the offsets do not fit the shape");
}

TEST_F(SafetensorsFile, ShapeWhoseSizeWrapsAroundIsRefused) {
    write(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4);
    EXPECT_EQ(reason(), "the shape is larger than the file");
}

TEST_F(SafetensorsFile, UnknownDtypeNegativeShapeAndWrongTypesAreRefused) {
    write(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}})", 4);
    EXPECT_EQ(reason(), "unknown dtype");
    write(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4);
    EXPECT_EQ(reason(), "a shape has a part that is no count");
    write(R"({"a":[]})", 0);
    EXPECT_EQ(reason(), "an entry needs dtype, shape and data_offsets");
    write("[]", 0);
    EXPECT_EQ(reason(), "the header is no JSON object");
}

TEST_F(SafetensorsFile, FlippedBitsOfTheHeaderNeverCrash) {
    const std::vector<float> a(4, 1.0F);
    write_safetensors(file, std::vector<NamedFloats>{{"a", {4}, a}}, {});
    const std::string whole = read_text(file);
    for (std::size_t i = 0; i < whole.size() - 16; ++i) {
        for (const int bit : {0, 3, 7}) {
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
            write_text(file, damaged);
            try {
                const Safetensors opened(file);
                for (const auto& [name, view] : opened.tensors())
                    EXPECT_LE(view.bytes.size(), whole.size());
            } catch (const Error&) {
            }
        }
    }
}

}  // namespace
}  // namespace aocq::nn
