// SPDX-License-Identifier: Apache-2.0
// Bit-widths as text: what is accepted, and what the refusal says.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

TEST(BitWidths, ReadsWeightsAndActivations) {
    EXPECT_EQ(parse_bits("W4A8"), (BitWidths{4, 8}));
    EXPECT_EQ(parse_bits("W2A2"), (BitWidths{2, 2}));
    EXPECT_EQ(parse_bits("W4A32"), (BitWidths{4, 32}));
    EXPECT_EQ(parse_bits("W32A8"), (BitWidths{32, 8}));
}

TEST(BitWidths, FloatIsThirtyTwoBitsOnBothSides) {
    EXPECT_TRUE(parse_bits("float").is_float());
    EXPECT_TRUE(parse_bits("W32A32").is_float());
    EXPECT_FALSE(parse_bits("W4A32").is_float());
}

TEST(BitWidths, TextComesBackAsItWas) {
    for (const char* text : {"float", "W8A8", "W3A6", "W4A32"}) {
        EXPECT_EQ(to_string(parse_bits(text)), text);
    }
}

TEST(BitWidths, OutOfRangeSaysTheRange) {
    for (const char* text : {"W1A8", "W9A9", "W8A1", "W16A16", "W4A16"}) {
        const Error error = error_of([&] { parse_bits(text); });
        EXPECT_EQ(error.kind(), ErrorKind::config);
        EXPECT_EQ(error.problem(), "bit-width out of range");
        EXPECT_EQ(error.field("found"), text);
        EXPECT_EQ(error.field("wanted"), "float, or W2..W8 or W32 with A2..A8 or A32, like W4A8");
    }
}

TEST(BitWidths, OtherTextIsRefused) {
    for (const char* text : {"", "W", "W4", "A4W4", "w4a4", "W4A4 ", "W04A4", "W4A444", "W-4A4",
                             "W4A", "Float", "W99999999999A4"}) {
        const Error error = error_of([&] { parse_bits(text); });
        EXPECT_EQ(error.problem(), "not a bit-width") << text;
    }
}

}  // namespace
}  // namespace aocq::config
