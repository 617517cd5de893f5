// SPDX-License-Identifier: Apache-2.0
// --set: types, bare words, new tables, and what is refused.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using OverridesTest = ConfigTest;

TEST_F(OverridesTest, ValuesHaveTheirTomlTypes) {
    const Document document =
        load("[t]\na = 1\n",
             {"t.a=2", "t.b = 2.5", "t.c=true", "t.d=\"2\"", "t.e=[1, \"x\"]", "t.f={ g = 1 }",
              "t.h=W4A8", "t.i=/a/b c.st", "t.j=", "t.k=x=y", "t.l=1#2", "t.m=2020-01-01"});
    EXPECT_EQ(document.tree["t"],
              Json::parse(R"({"a":2,"b":2.5,"c":true,"d":"2","e":[1,"x"],"f":{"g":1},"h":"W4A8",
                              "i":"/a/b c.st","j":"","k":"x=y","l":"1#2","m":"2020-01-01"})"));
    EXPECT_EQ(document.origins.at("t.a").file, "--set");
}

TEST_F(OverridesTest, TheLastOneWins) {
    EXPECT_EQ(load("a = 1\n", {"a=2", "a=3"}).tree["a"], 3);
}

TEST_F(OverridesTest, TablesAreMadeAndListElementsReached) {
    const Document document = load("[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W4A4\"]\n",
                                   {"new.table.x=1", "axis[0].values=[\"W2A2\"]"});
    EXPECT_EQ(document.tree["new"]["table"]["x"], 1);
    EXPECT_EQ(document.tree["axis"][0]["values"], Json{"W2A2"});
    EXPECT_FALSE(document.origins.contains("axis[0].values[1]"));
}

TEST_F(OverridesTest, NonsenseIsAUsageError) {
    for (const char* text : {"a", "=1", "a..b=1", "a b=1", "a=[1", "a=\"x", "a={", "extends=x"}) {
        const Error error = error_of([&] { load("a = 1\n", {text}); });
        EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
        EXPECT_EQ(error.field("file"), "--set");
        EXPECT_EQ(error.field("found"), text);
    }
}

TEST_F(OverridesTest, ALineBreakCannotSmuggleInAnotherKey) {
    EXPECT_EQ(load("a = 1\n", {"a=1\nb = 2"}).tree, (Json{{"a", "1\nb = 2"}}));
}

TEST_F(OverridesTest, BytesThatAreNotUtf8AreRefused) {
    const Error bare = error_of([&] { load("a = 1\n", {"b=\xff"}); });
    EXPECT_EQ(bare.problem(), "text is not UTF-8");
    EXPECT_EQ(fields_of(bare, {"file", "key"}), "file=--set key=b");
    environment_ = {{"X", "\xc3"}};
    EXPECT_EQ(error_of([&] { load("a = \"${X}\"\n"); }).problem(), "text is not UTF-8");
}

TEST_F(OverridesTest, PathThroughAValueOrAMissingElementIsRefused) {
    const Error through = error_of([&] { load("a = 1\n", {"a.b=2"}); });
    EXPECT_EQ(through.kind(), ErrorKind::config);
    EXPECT_EQ(fields_of(through, {"file", "key"}), "file=--set key=a.b");
    const Error beyond = error_of([&] { load("a = [1]\n", {"a[1]=2"}); });
    EXPECT_EQ(fields_of(beyond, {"file", "key"}), "file=--set key=a[1]");
}

TEST_F(OverridesTest, UnknownKeyIsFoundLaterAndPlacedAtTheOverride) {
    const Error error = this->error(base_study, {"sed=3"});
    EXPECT_EQ(error.problem(), "unknown key");
    EXPECT_EQ(error.remedy(), "did you mean 'seed'?");
    EXPECT_EQ(fields_of(error, {"file", "key", "line"}), "file=--set key=sed line=");
}

TEST_F(OverridesTest, OverriddenUseIsTakenIn) {
    EXPECT_EQ(study(base_study, {"model.use=large"}).experiments[0].model["width"], 128);
    const Error error = this->error(base_study, {"model.use=lrge"});
    EXPECT_EQ(fields_of(error, {"file", "key", "found"}), "file=--set key=model.use found=lrge");
    EXPECT_EQ(error.remedy(), "did you mean 'large'?");
}

}  // namespace
}  // namespace aocq::config
