// SPDX-License-Identifier: Apache-2.0
#include "core/Quantities.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq {
namespace {

TEST(Quantities, TimesAreReadInEveryForm) {
    EXPECT_DOUBLE_EQ(parse_seconds("90"), 90);
    EXPECT_DOUBLE_EQ(parse_seconds("0.5s"), 0.5);
    EXPECT_DOUBLE_EQ(parse_seconds("15m"), 900);
    EXPECT_DOUBLE_EQ(parse_seconds("1h30m"), 5400);
    EXPECT_DOUBLE_EQ(parse_seconds("2d1s"), 172801);
    EXPECT_DOUBLE_EQ(parse_seconds("1:30:05"), 5405);
    EXPECT_DOUBLE_EQ(parse_seconds("2-12:00:00"), 216000);
}

TEST(Quantities, WhatIsNoTimeIsRefused) {
    for (const char* text :
         {"", "0", "-5", "1x", "h", "30m1h", "1:30", "nan", "inf", "1e999", "5 s"}) {
        EXPECT_THROW(parse_seconds(text), Error) << text;
    }
}

TEST(Quantities, SizesArePowersOf1024) {
    EXPECT_EQ(parse_bytes("4096"), 4096u);
    EXPECT_EQ(parse_bytes("2K"), 2048u);
    EXPECT_EQ(parse_bytes("1.5M"), 1572864u);
    EXPECT_EQ(parse_bytes("4GiB"), 4294967296u);
    EXPECT_EQ(parse_bytes("1TB"), 1099511627776u);
}

TEST(Quantities, WhatIsNoSizeIsRefused) {
    for (const char* text : {"", "G", "-1G", "0", "1X", "nan", "1e30", "4 G"}) {
        EXPECT_THROW(parse_bytes(text), Error) << text;
    }
}

}  // namespace
}  // namespace aocq
