// SPDX-License-Identifier: Apache-2.0
// Text helpers, each at its edges.
// Messages and tables are compared byte by byte elsewhere; their parts are pinned here.
#include "core/Text.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace aocq {
namespace {

using testing::ElementsAre;
using Texts = std::vector<std::string>;

TEST(Join, PutsTheSeparatorBetween) {
    EXPECT_EQ(join(Texts{"a", "b", "c"}, ", "), "a, b, c");
    EXPECT_EQ(join(Texts{"a"}, ", "), "a");
    EXPECT_EQ(join(Texts{}, ", "), "");
    EXPECT_EQ(join(Texts{"", ""}, "-"), "-");
}

TEST(Nearest, FindsASlipOfThePen) {
    const Texts keys{"weights", "observer", "bits", "batch"};
    EXPECT_EQ(nearest("wieghts", keys), "weights");
    EXPECT_EQ(nearest("observ", keys), "observer");
    EXPECT_EQ(nearest("bist", keys), "bits");
    EXPECT_EQ(nearest("bits", keys), "bits");
}

TEST(Nearest, GivesNothingForAnotherWord) {
    EXPECT_EQ(nearest("resolution", Texts{"weights", "bits"}), "");
    EXPECT_EQ(nearest("x", Texts{"ab", "cd"}), "");
    EXPECT_EQ(nearest("", Texts{"a"}), "");
    EXPECT_EQ(nearest("word", Texts{}), "");
}

TEST(Nearest, PrefersTheFirstOfEquallyNear) {
    EXPECT_EQ(nearest("bat", Texts{"cat", "hat"}), "cat");
}

TEST(GlobMatch, MatchesTheWholeName) {
    EXPECT_TRUE(glob_match("head", "head"));
    EXPECT_FALSE(glob_match("head", "head.weight"));
    EXPECT_FALSE(glob_match("ead", "head"));
    EXPECT_FALSE(glob_match("", "a"));
    EXPECT_TRUE(glob_match("", ""));
}

TEST(GlobMatch, AStarIsAnyRunOfCharacters) {
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("*", "blocks.0.attn"));
    EXPECT_TRUE(glob_match("blocks.*.fc2:input", "blocks.11.mlp.fc2:input"));
    EXPECT_FALSE(glob_match("blocks.*.fc2:input", "blocks.11.mlp.fc1:input"));
    EXPECT_TRUE(glob_match("*ab*ab", "abxabab"));
    EXPECT_TRUE(glob_match("a**b", "ab"));
    EXPECT_FALSE(glob_match("a*b*c", "a-b-"));
}

TEST(GlobMatch, AQuestionMarkIsOneCharacter) {
    EXPECT_TRUE(glob_match("blocks.?.norm", "blocks.3.norm"));
    EXPECT_FALSE(glob_match("blocks.?.norm", "blocks.11.norm"));
    EXPECT_FALSE(glob_match("?", ""));
    EXPECT_TRUE(glob_match("*?", "a"));
}

TEST(GlobMatch, ManyStarsDoNotTakeForever) {
    std::string pattern;
    for (int i = 0; i < 50; ++i) pattern += "a*";
    EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST(Split, KeepsEmptyParts) {
    EXPECT_THAT(split("a,b,,c,", ','), ElementsAre("a", "b", "", "c", ""));
    EXPECT_THAT(split("", ','), ElementsAre(""));
    EXPECT_THAT(split("abc", ','), ElementsAre("abc"));
}

TEST(Trim, TakesBlanksFromBothEndsOnly) {
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(trim(""), "");
}

TEST(DisplayWidth, CountsCodePoints) {
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("\xC3\xA4\xE2\x80\x93"), 2U);  // a umlaut, en dash
    EXPECT_EQ(display_width(""), 0U);
}

TEST(HumanBytes, ChangesUnitAtPowersOf1024) {
    EXPECT_EQ(human_bytes(0), "0 B");
    EXPECT_EQ(human_bytes(1023), "1023 B");
    EXPECT_EQ(human_bytes(1024), "1.0 KiB");
    EXPECT_EQ(human_bytes(1536), "1.5 KiB");
    EXPECT_EQ(human_bytes(1048575), "1.0 MiB");
    EXPECT_EQ(human_bytes(3ULL << 40), "3.0 TiB");
    EXPECT_EQ(human_bytes(5000ULL << 40), "5000.0 TiB");
}

TEST(HumanSeconds, ChangesUnitAtAMinuteAndAnHour) {
    EXPECT_EQ(human_seconds(0), "0 s");
    EXPECT_EQ(human_seconds(59.4), "59 s");
    EXPECT_EQ(human_seconds(59.6), "1 min 00 s");
    EXPECT_EQ(human_seconds(3599), "59 min 59 s");
    EXPECT_EQ(human_seconds(3720), "1 h 02 min");
}

TEST(HumanSeconds, WhatIsNoDurationIsAQuestionMark) {
    EXPECT_EQ(human_seconds(-1), "?");
    EXPECT_EQ(human_seconds(std::numeric_limits<double>::infinity()), "?");
    EXPECT_EQ(human_seconds(std::numeric_limits<double>::quiet_NaN()), "?");
}

}  // namespace
}  // namespace aocq
