// SPDX-License-Identifier: Apache-2.0
// Canonical JSON, which every hash goes through, and reading JSON that nobody vouches for.
// A change of the canonical text would make every cached result unfindable.
#include "core/Json.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace aocq {
namespace {

using testing::HasSubstr;

Error parse_error(const std::string& text) {
    try {
        parse_json(text, "x.json");
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "was accepted: " << text.substr(0, 60);
    return Error::internal("none");
}

TEST(CanonicalJson, SortsKeysAndHasNoBlanks) {
    const Json value = parse_json(R"({ "b" : [1, 2.5 , true,null], "a" : {"z":"x", "y":-3} })", "");
    EXPECT_EQ(canonical_json(value), R"({"a":{"y":-3,"z":"x"},"b":[1,2.5,true,null]})");
}

TEST(CanonicalJson, DoesNotDependOnTheOrderOfInsertion) {
    Json one, two;
    one["x"] = 1;
    one["a"] = 2;
    two["a"] = 2;
    two["x"] = 1;
    EXPECT_EQ(canonical_json(one), canonical_json(two));
}

TEST(CanonicalJson, TellsAnIntegerFromARealNumber) {
    EXPECT_EQ(canonical_json(1), "1");
    EXPECT_EQ(canonical_json(1.0), "1.0");
    EXPECT_EQ(canonical_json(std::uint64_t{1}), "1");
}

TEST(CanonicalJson, DoublesReadBackToTheSameBits) {
    for (const double value : {0.1, 1.0 / 3.0, 1e-320, 1.7976931348623157e308, -2.5e-7, 123456.789,
                               0.30000000000000004, 5e-324}) {
        EXPECT_EQ(parse_json(canonical_json(value), "").get<double>(), value);
    }
    EXPECT_EQ(canonical_json(0.1), "0.1");
}

TEST(CanonicalJson, WhatIsNotFiniteIsOurMistake) {
    for (const double value :
         {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        try {
            canonical_json(Json{{"a", {1.0, value}}});
            FAIL() << value << " was written";
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::internal);
        }
    }
}

TEST(CanonicalJson, TextThatIsNotUtf8IsAnErrorOfOurs) {
    try {
        canonical_json(Json{{"file", "\xFF.png"}});
        FAIL() << "was written";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.problem(), "text is not valid UTF-8");
    }
}

TEST(ParseJson, NamesTheSourceOfWhatIsNotJson) {
    for (const char* text : {"", "{", "{\"a\":}", "[1,]", "nul", "{} {}", "\"open", "\xFF", "01"}) {
        const Error error = parse_error(text);
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.field("file"), "x.json") << text;
    }
}

TEST(ParseJson, RefusesNestingBeyondSixtyFour) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_NO_THROW(parse_json(nested(64), ""));
    EXPECT_EQ(parse_error(nested(65)).field("found"), "65");
    EXPECT_EQ(parse_error(std::string(1'000'000, '[')).problem(), "JSON is nested too deeply");
    EXPECT_EQ(parse_error(std::string(100, '{')).problem(), "JSON is nested too deeply");
}

TEST(ParseJson, BracketsInsideTextAreNotNesting) {
    const std::string text = "\"\\\"" + std::string(100, '[') + "\"";
    EXPECT_EQ(parse_json(text, "").get<std::string>(), "\"" + std::string(100, '['));
}

TEST(ParseJson, RefusesAKeyGivenTwiceInOneObject) {
    const Error error = parse_error(R"({"a":{"w":1,"w":2}})");
    EXPECT_EQ(error.problem(), "JSON object has a key twice");
    EXPECT_EQ(error.field("key"), "w");
    EXPECT_NO_THROW(parse_json(R"({"a":{"w":1},"b":{"w":2},"w":[{"w":1},{"w":1}]})", ""));
}

TEST(ParseJson, RefusesANumberBeyondDouble) {
    EXPECT_EQ(parse_error("[1e999]").problem(), "not valid JSON");
}

TEST(ErrorJson, ComesBackWithEveryPart) {
    const Error before = Error::numeric("not finite")
                             .because("overflow")
                             .advise("check weights")
                             .at("tensor", "head.weight")
                             .at("tensor", "second")
                             .found("nan");
    const Error after = error_from_json(parse_json(canonical_json(to_json(before)), ""));
    EXPECT_STREQ(after.what(), before.what());
    EXPECT_EQ(after.kind(), before.kind());
    EXPECT_EQ(after.reason(), before.reason());
    EXPECT_EQ(after.remedy(), before.remedy());
    EXPECT_EQ(after.fields(), before.fields());
}

TEST(ErrorJson, AnErrorWithoutReasonOrFieldsComesBackToo) {
    const Error after = error_from_json(to_json(Error::input("broken")));
    EXPECT_STREQ(after.what(), "broken");
    EXPECT_TRUE(after.fields().empty());
}

TEST(ErrorJson, AFileNameOfAnyBytesCanBeRecorded) {
    const Error error = Error::input("broken").at("file", "a\xFF.png");
    const Error after = error_from_json(parse_json(canonical_json(to_json(error)), ""));
    EXPECT_EQ(after.field("file"), "a\xEF\xBF\xBD.png");
}

TEST(ErrorJson, AnythingElseIsNotARecordedError) {
    for (const char* text :
         {"{}", "[]", "3", R"({"kind":1})",
          R"({"kind":"input","problem":"p","reason":"","remedy":"","fields":3})",
          R"({"kind":"input","problem":"p","reason":"","remedy":"","fields":[["a"]]})"}) {
        try {
            error_from_json(Json::parse(text));
            ADD_FAILURE() << "was accepted: " << text;
        } catch (const Error& error) {
            EXPECT_EQ(error.problem(), "not a recorded error") << text;
        }
    }
}

}  // namespace
}  // namespace aocq
