// SPDX-License-Identifier: Apache-2.0
// The text of errors, their exit codes, and the checks on ourselves.
// Users and scripts rely on both, so they are spelled out here.
#include "core/Error.hpp"

#include <gmock/gmock.h>

namespace aocq {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Error, ComposesProblemReasonRemedyAndFields) {
    const Error error = Error::config("wrong width")
                            .because("codes need two values")
                            .advise("set bits")
                            .at("file", "a.toml")
                            .found("1")
                            .wanted("2..8");
    EXPECT_STREQ(error.what(),
                 "wrong width (codes need two values): set bits [file=a.toml found=1 wanted=2..8]");
}

TEST(Error, LeavesOutWhatIsNotGiven) {
    EXPECT_STREQ(Error::input("broken").what(), "broken");
    EXPECT_STREQ(Error::input("broken").because("cut").what(), "broken (cut)");
    EXPECT_STREQ(Error::input("broken").advise("copy again").what(), "broken: copy again");
    EXPECT_STREQ(Error::input("broken").found("x").what(), "broken [found=x]");
}

TEST(Error, OrderOfCallsDoesNotChangeTheText) {
    const Error one = Error::input("p").at("file", "f").because("r").advise("a");
    const Error two = Error::input("p").advise("a").because("r").at("file", "f");
    EXPECT_STREQ(one.what(), two.what());
}

TEST(Error, KeepsItsPartsWhenThrownAndCaught) {
    try {
        throw Error::environment("disk").because("full").at("file", "/x");
    } catch (const std::exception& caught) {
        const auto* error = dynamic_cast<const Error*>(&caught);
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->kind(), ErrorKind::environment);
        EXPECT_EQ(error->problem(), "disk");
        EXPECT_EQ(error->reason(), "full");
        EXPECT_EQ(error->field("file"), "/x");
        EXPECT_EQ(error->field("key"), "");
        EXPECT_STREQ(error->what(), "disk (full) [file=/x]");
    }
}

TEST(Error, ExitCodesFollowTheContract) {
    EXPECT_EQ(exit_code(ErrorKind::usage), 2);
    EXPECT_EQ(exit_code(ErrorKind::config), 2);
    EXPECT_EQ(exit_code(ErrorKind::input), 2);
    EXPECT_EQ(exit_code(ErrorKind::environment), 2);
    EXPECT_EQ(exit_code(ErrorKind::numeric), 3);
    EXPECT_EQ(exit_code(ErrorKind::internal), 1);
    EXPECT_EQ(exit_again, 75);
    EXPECT_EQ(exit_done, 0);
}

TEST(Error, KindsHaveNamesAndTheWayBack) {
    for (const auto kind : {ErrorKind::usage, ErrorKind::config, ErrorKind::input,
                            ErrorKind::environment, ErrorKind::numeric, ErrorKind::internal}) {
        EXPECT_EQ(error_kind_from_string(to_string(kind)), kind);
    }
    EXPECT_EQ(error_kind_from_string("no such kind"), ErrorKind::internal);
}

TEST(Error, ABrokenPromiseIsInternalAndNamesConditionAndPlace) {
    const int two = 2;
    try {
        AOCQ_EXPECT(two == 3);
        FAIL() << "a false precondition passed";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::internal);
        EXPECT_EQ(error.problem(), "precondition does not hold: two == 3");
        EXPECT_THAT(error.field("where"), HasSubstr("Error.test.cpp:"));
    }
    EXPECT_THROW(AOCQ_ASSERT(two == 3), Error);
    EXPECT_THROW(AOCQ_ENSURE(two == 3), Error);
    EXPECT_NO_THROW(AOCQ_EXPECT(two == 2));
}

TEST(Error, PlacesInTheProgramStartAtSrc) {
    try {
        assertion_failed("assertion", "x", "/home/someone/aocq/src/nn/Graph.cpp", 7);
    } catch (const Error& error) {
        EXPECT_EQ(error.field("where"), "src/nn/Graph.cpp:7");
        EXPECT_THAT(error.what(), StartsWith("assertion does not hold: x: "));
    }
}

}  // namespace
}  // namespace aocq
