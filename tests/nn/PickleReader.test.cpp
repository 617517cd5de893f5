// SPDX-License-Identifier: Apache-2.0
#include "nn/PickleReader.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/Error.hpp"
#include "nn/PickleText.hpp"
#include "nn/ZipArchive.hpp"
#include "support/TestData.hpp"

namespace aocq::nn {
namespace {

PickleDocument read(const std::string& text) {
    return read_pickle(test::bytes_of(text));
}

Error error_of(const std::string& text) {
    try {
        read(text);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        return error;
    }
    return Error::internal("accepted");
}

std::string golden_pickle() {
    const ZipArchive archive(test::source_folder() / "tests/golden/nn/nested.pth");
    const auto bytes = archive.read("nested/data.pkl");
    return test::raw(bytes.data(), bytes.size());
}

TEST(PickleReader, ReadsPlainValues) {
    const PickleDocument document =
        read(std::string("\x80\x02(K\x07M\x01\x02J\xff\xff\xff\xff") + "\x88NG\x3f\xf0" +
             std::string(6, '\0') + "X\x02" + std::string(3, '\0') + "abt.");
    const auto* tuple = document.get<PickleTuple>(document.root);
    ASSERT_NE(tuple, nullptr);
    ASSERT_EQ(tuple->items.size(), 7U);
    EXPECT_EQ(*document.get<std::int64_t>(tuple->items[0]), 7);
    EXPECT_EQ(*document.get<std::int64_t>(tuple->items[1]), 513);
    EXPECT_EQ(*document.get<std::int64_t>(tuple->items[2]), -1);
    EXPECT_TRUE(*document.get<bool>(tuple->items[3]));
    EXPECT_NE(document.get<PickleNone>(tuple->items[4]), nullptr);
    EXPECT_EQ(*document.get<double>(tuple->items[5]), 1.0);
    EXPECT_EQ(*document.get<std::string>(tuple->items[6]), "ab");
}

TEST(PickleReader, LongNumbersKeepTheirSign) {
    const auto value = [](const std::string& bytes) {
        const auto size = static_cast<char>(bytes.size());
        return std::get<std::int64_t>(
            read(std::string("\x80\x02\x8a") + size + bytes + ".").values[0]);
    };
    EXPECT_EQ(value(""), 0);
    EXPECT_EQ(value("\xff"), -1);
    EXPECT_EQ(value(std::string("\xff\0", 2)), 255);
    EXPECT_EQ(value(std::string("\0\xff", 2)), -256);
    EXPECT_EQ(value("\xff\xff\xff\xff\xff\xff\xff\x7f"), std::numeric_limits<std::int64_t>::max());
}

TEST(PickleReader, ClassesThatAreNotListedAreRefusedByName) {
    const Error error = error_of(
        "\x80\x02"
        "cposix\nsystem\n" +
        test::pickled(std::string("ls")) + "\x85R.");
    EXPECT_EQ(error.problem(), "a PyTorch file holds more than tensors and plain values");
    EXPECT_EQ(error.field("class"), "posix.system");
    EXPECT_EQ(error_of("\x80\x04" + std::string("\x8c\x08") + "builtins" + "\x8c\x04" + "eval\x93.")
                  .field("class"),
              "builtins.eval");
}

TEST(PickleReader, OpcodesThatAreNotListedAreRefused) {
    // INST, OBJ, EXT1, EMPTY_SET, PUT of protocol 0, NEXT_BUFFER
    for (const char opcode : {'i', 'o', '\x82', '\x8f', 'p', '\x97'}) {
        const Error error = error_of(std::string("\x80\x02(") + opcode);
        EXPECT_EQ(error.problem(), "a PyTorch file holds more than tensors and plain values");
        EXPECT_EQ(error.field("byte"), "3");
    }
}

TEST(PickleReader, AMarkIsAFloorForWhatComesAfterIt) {
    EXPECT_EQ(error_of("\x80\x02]K\x01(a.").reason(), "a value is missing on the stack");
    EXPECT_EQ(error_of("\x80\x02t.").reason(), "a mark is missing on the stack");
    EXPECT_EQ(error_of("\x80\x02(K\x01.").reason(), "something is left on the stack at its end");
}

TEST(PickleReader, SizesBeyondTheEndAreRefusedBeforeAnythingIsAllocated) {
    EXPECT_EQ(error_of("\x80\x02X\xff\xff\xff\x7f").reason(), "the pickle ends too early");
    EXPECT_EQ(error_of("\x80\x02"
                       "B\xff\xff\xff\xff")
                  .reason(),
              "the pickle ends too early");
}

TEST(PickleReader, DeepNestingAndSelfReferenceDoNoHarm) {
    std::string deep = "\x80\x02)";
    for (int i = 0; i < 500'000; ++i) deep += '\x85';
    EXPECT_EQ(read(deep + ".").values.size(), 500'001U);
    const PickleDocument loop = read(std::string("\x80\x02]q") + '\0' + "h" + '\0' + "a.");
    EXPECT_EQ(loop.get<PickleList>(loop.root)->items.front(), loop.root);
}

TEST(PickleReader, MoreValuesThanAnyCheckpointHasAreRefused) {
    std::string many = "\x80\x02";
    many.append(2'000'000, 'N');
    EXPECT_EQ(error_of(many).reason(), "more values than any checkpoint has");
}

TEST(PickleReader, TruncatedAnywhereIsRefused) {
    const std::string whole = golden_pickle();
    EXPECT_NO_THROW(read(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_NE(error_of(whole.substr(0, size)).problem(), "accepted") << size;
}

// Nothing but an Error may come out, whatever a byte turns into.
TEST(PickleReader, ChangedBytesGiveAnErrorOrADocument) {
    const std::string whole = golden_pickle();
    std::size_t refused = 0;
    for (std::size_t place = 0; place < whole.size(); ++place) {
        for (const int value : {0x00, 0x28, 0x52, 0x62, 0x74, 0x80, 0xff}) {
            std::string changed = whole;
            changed[place] = static_cast<char>(value);
            refused += error_of(changed).problem() == "accepted" ? 0 : 1;
        }
    }
    EXPECT_GT(refused, whole.size());
}

}  // namespace
}  // namespace aocq::nn
