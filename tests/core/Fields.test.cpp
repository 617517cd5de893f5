// SPDX-License-Identifier: Apache-2.0
// Reading configuration objects: every fault names the key path, what was found, what was wanted.
// These messages are what a user sees first, so they are compared as a whole where it matters.
#include "core/Fields.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

namespace aocq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error::internal("none");
}

enum class Shape { round, square };
constexpr EnumTable<Shape, 2> shapes{{{{Shape::round, "round"}, {Shape::square, "square"}}}};

TEST(Fields, ReadsEachTypeByName) {
    Fields fields(Json{{"name", "deit"},
                       {"bits", 4},
                       {"rate", 0.5},
                       {"on", true},
                       {"list", {"a", "b"}},
                       {"one", "a"},
                       {"grid", {1, 2.5}},
                       {"depths", {2, 6}},
                       {"shape", "square"}},
                  "");
    EXPECT_EQ(fields.text("name"), "deit");
    EXPECT_EQ(fields.integer("bits", 2, 8), 4);
    EXPECT_EQ(fields.number("rate", 0, 1), 0.5);
    EXPECT_EQ(fields.number("bits", 0, 9), 4.0);
    EXPECT_TRUE(fields.flag("on", false));
    EXPECT_THAT(fields.texts("list"), ElementsAre("a", "b"));
    EXPECT_THAT(fields.texts("one"), ElementsAre("a"));
    EXPECT_THAT(fields.numbers("grid"), ElementsAre(1.0, 2.5));
    EXPECT_THAT(fields.integers("depths", 1, 9), ElementsAre(2, 6));
    EXPECT_EQ(fields.choice("shape", shapes), Shape::square);
    EXPECT_NO_THROW(fields.finish());
}

TEST(Fields, AbsentKeysGiveTheFallback) {
    Fields fields(Json::object(), "");
    EXPECT_EQ(fields.text("a", "x"), "x");
    EXPECT_EQ(fields.integer("b", 0, 9, 7), 7);
    EXPECT_EQ(fields.number("c", 0, 1, 0.25), 0.25);
    EXPECT_TRUE(fields.flag("d", true));
    EXPECT_THAT(fields.texts("e"), IsEmpty());
    EXPECT_THAT(fields.numbers("f"), IsEmpty());
    EXPECT_THAT(fields.integers("g", 1, 9), IsEmpty());
    EXPECT_TRUE(fields.value("g").is_null());
    EXPECT_NO_THROW(fields.object("h").finish());
    EXPECT_THAT(fields.objects("i"), IsEmpty());
    EXPECT_EQ(fields.choice("j", shapes, std::optional(Shape::round)), Shape::round);
}

TEST(Fields, AMissingRequiredKeyIsNamedWithItsPath) {
    Fields fields(Json::object(), "data.calibration");
    EXPECT_STREQ(error_of([&] { fields.text("use"); }).what(),
                 "a required key is missing [key=data.calibration.use wanted=text]");
}

TEST(Fields, WrongTypesNamePathFoundAndWanted) {
    Fields fields(Json{{"bits", "four"}, {"rate", true}, {"list", {1}}, {"name", 3}}, "method");
    EXPECT_STREQ(error_of([&] { fields.integer("bits", 2, 8); }).what(),
                 "wrong type in the configuration [key=method.bits found=\"four\" wanted=integer]");
    EXPECT_EQ(error_of([&] { fields.number("rate", 0, 1); }).field("wanted"), "number");
    EXPECT_EQ(error_of([&] { fields.flag("bits", true); }).field("wanted"), "true or false");
    EXPECT_EQ(error_of([&] { fields.texts("list"); }).field("found"), "[1]");
    EXPECT_EQ(error_of([&] { fields.text("name"); }).field("found"), "3");
    EXPECT_EQ(error_of([&] { fields.numbers("name"); }).field("found"), "3");
    EXPECT_EQ(error_of([&] { fields.object("name"); }).field("key"), "method.name");
    EXPECT_EQ(error_of([&] { fields.objects("name"); }).field("wanted"), "a list of tables");
}

TEST(Fields, ARealNumberIsNotAnInteger) {
    Fields fields(Json{{"bits", 4.0}}, "");
    EXPECT_EQ(error_of([&] { fields.integer("bits", 2, 8); }).field("wanted"), "integer");
}

TEST(Fields, RangesIncludeTheirEndsAndNothingBeyond) {
    Fields fields(Json{{"bits", 8}, {"rate", 1.0}}, "");
    EXPECT_EQ(fields.integer("bits", 8, 8), 8);
    EXPECT_EQ(fields.number("rate", 1, 1), 1.0);
    EXPECT_STREQ(error_of([&] { fields.integer("bits", 2, 7); }).what(),
                 "value out of range [key=bits found=8 wanted=2..7]");
    EXPECT_EQ(error_of([&] { fields.number("rate", 0, 0.5); }).field("wanted"), "0..0.5");
}

TEST(Fields, AnUnsignedNumberBeyondInt64DoesNotWrap) {
    Fields fields(Json{{"seed", std::numeric_limits<std::uint64_t>::max()}}, "");
    const Error error = error_of([&] { fields.integer("seed", -1, 10); });
    EXPECT_EQ(error.field("found"), "18446744073709551615");
}

TEST(Fields, NumbersThatAreNotFiniteAreRefused) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    Fields fields(Json{{"nan", nan}, {"infinity", infinity}, {"list", {1.0, infinity}}}, "");
    EXPECT_THROW(fields.number("nan", -1e9, 1e9), Error);
    EXPECT_THROW(fields.number("infinity", -1e9, 1e9), Error);
    EXPECT_EQ(error_of([&] { fields.numbers("list"); }).field("wanted"),
              "a list of finite numbers");
}

TEST(Fields, AnUnknownKeyNamesTheNearestKnownOne) {
    Fields fields(Json{{"observr", "mse"}}, "method");
    fields.text("observer", "minmax");
    fields.integer("bits", 2, 8, 8);
    EXPECT_STREQ(error_of([&] { fields.finish(); }).what(),
                 "unknown key: did you mean 'observer'? [key=method.observr]");
}

TEST(Fields, AnUnknownKeyFarFromAllListsTheKnownOnes) {
    Fields fields(Json{{"zzzzzzzz", 1}}, "");
    fields.flag("symmetric", true);
    fields.flag("dynamic", true);
    EXPECT_EQ(error_of([&] { fields.finish(); }).remedy(), "known here: symmetric, dynamic");
    EXPECT_EQ(error_of([] {
                  Fields(Json{{"x", 1}}, "").finish();
              }).remedy(),
              "remove it: no key is known here");
}

TEST(Fields, AWrongWordNamesTheNearestAndAllowedOnes) {
    Fields fields(Json{{"shape", "sqare"}}, "axis[0]");
    EXPECT_STREQ(error_of([&] { fields.choice("shape", shapes); }).what(),
                 "unknown value: did you mean 'square'? "
                 "[key=axis[0].shape found=sqare wanted=one of round, square]");
}

TEST(Fields, AFallbackDoesNotHideAWrongWord) {
    Fields fields(Json{{"shape", "flat"}}, "");
    EXPECT_THROW(fields.choice("shape", shapes, std::optional(Shape::round)), Error);
}

TEST(Fields, NestedObjectsCarryTheirPath) {
    Fields fields(Json{{"axis", {{{"key", 1}}, {{"key", "bits"}}}}, {"data", {{"root", 5}}}}, "");
    auto axes = fields.objects("axis");
    ASSERT_EQ(axes.size(), 2U);
    EXPECT_EQ(axes[1].text("key"), "bits");
    EXPECT_EQ(error_of([&] { axes[0].text("key"); }).field("key"), "axis[0].key");
    Fields data = fields.object("data");
    EXPECT_EQ(error_of([&] { data.text("root"); }).field("key"), "data.root");
    EXPECT_EQ(data.path_of("root"), "data.root");
}

TEST(Fields, OnlyAnObjectCanBeRead) {
    const Error error = error_of([] { Fields(Json::array(), "method"); });
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(error.field("found"), "array");
}

TEST(Fields, FailAddsTheKeyPath) {
    const Fields fields(Json::object(), "model");
    const Error error = error_of([&] { fields.fail("depth", Error::config("too deep")); });
    EXPECT_STREQ(error.what(), "too deep [key=model.depth]");
}

TEST(Fields, ALongOrBrokenValueIsCutToAMessage) {
    std::string umlauts;
    for (int i = 0; i < 100; ++i) umlauts += "\xC3\xA4";
    Fields fields(Json{{"long", umlauts}, {"broken", "\xFF"}}, "");
    const std::string found = error_of([&] { fields.integer("long", 0, 1); }).field("found");
    EXPECT_LE(found.size(), 83U);
    EXPECT_NO_THROW(canonical_json(Json(found)));  // not cut inside a letter
    EXPECT_THAT(error_of([&] { fields.integer("broken", 0, 1); }).what(), HasSubstr("broken"));
}

}  // namespace
}  // namespace aocq
