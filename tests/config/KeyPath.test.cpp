// SPDX-License-Identifier: Apache-2.0
// Key paths: reading, climbing, and the test for "below".
#include "config/KeyPath.hpp"

#include <gtest/gtest.h>

namespace aocq::config {
namespace {

TEST(KeyPath, TextComesBackAsItWas) {
    for (const char* text : {"a", "a.b", "a[0]", "a-b.c_d[12].e", "a[1][2]"}) {
        const auto path = parse_key_path(text);
        ASSERT_TRUE(path) << text;
        EXPECT_EQ(to_string(*path), text);
    }
}

TEST(KeyPath, RefusesWhatIsNotAPath) {
    for (const char* text : {"", ".", "a.", ".a", "a..b", "[0]", "a[]", "a[x]", "a[0", "a b",
                             "a[0]b", "a[1234567]", "a[-1]"}) {
        EXPECT_FALSE(parse_key_path(text)) << text;
    }
}

TEST(KeyPath, ClimbsToTheRoot) {
    EXPECT_EQ(parent_path("a.b[0]"), "a.b");
    EXPECT_EQ(parent_path("a.b"), "a");
    EXPECT_EQ(parent_path("a"), "");
}

TEST(KeyPath, BelowMeansAWholeStep) {
    EXPECT_TRUE(is_inside("model.width", "model"));
    EXPECT_TRUE(is_inside("axis[0]", "axis"));
    EXPECT_TRUE(is_inside("model", "model"));
    EXPECT_FALSE(is_inside("models.width", "model"));
    EXPECT_FALSE(is_inside("model", "model.width"));
}

TEST(KeyPath, NestedAndQuotedKeysFlattenAlike) {
    const auto nested = flatten(Json{{"a", {{"b", 1}}}});
    EXPECT_EQ(nested, flatten(Json{{"a.b", 1}}));
    ASSERT_EQ(nested.size(), 1U);
    EXPECT_EQ(nested[0].first, "a.b");
}

}  // namespace
}  // namespace aocq::config
