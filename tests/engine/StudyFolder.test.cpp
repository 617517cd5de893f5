// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyFolder.hpp"

#include <gtest/gtest.h>

#include "support/TempFolder.hpp"

namespace aocq::engine {
namespace {

TEST(StudyFolder, IsClaimedOnceAndRecognised) {
    const test::TempFolder temp;
    const StudyFolder folder(temp.path(), "mine");
    folder.claim();
    EXPECT_NO_THROW(folder.claim());
}

TEST(StudyFolder, OfAnotherStudyIsRefused) {
    const test::TempFolder temp;
    const StudyFolder folder(temp.path(), "mine");
    folder.claim();
    write_text(folder.path() / "study.json", R"({"format":1,"study":"theirs"})");
    try {
        folder.claim();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.reason(), "study.json names \"theirs\"");
    }
}

TEST(StudyFolder, WithForeignFilesIsRefused) {
    const test::TempFolder temp;
    write_text(temp / "mine/thesis.txt", "years of work");
    EXPECT_THROW(StudyFolder(temp.path(), "mine").claim(), Error);
    EXPECT_EQ(read_text(temp / "mine/thesis.txt"), "years of work");
}

TEST(StudyFolder, KeepsOnePlanPerContent) {
    const test::TempFolder temp;
    const StudyFolder folder(temp.path(), "mine");
    const auto one = folder.keep_plan({{"a", 1}}), same = folder.keep_plan({{"a", 1}}),
               other = folder.keep_plan({{"a", 2}});
    EXPECT_EQ(one, same);
    EXPECT_NE(one, other);
}

TEST(StudyFolder, RemembersTheNumericsClassOfTheLastRun) {
    const test::TempFolder temp;
    const StudyFolder folder(temp.path(), "mine");
    EXPECT_EQ(folder.recorded_numerics("here"), "here");
    folder.record_numerics("cuda");
    EXPECT_EQ(folder.recorded_numerics("here"), "cuda");
}

}  // namespace
}  // namespace aocq::engine
