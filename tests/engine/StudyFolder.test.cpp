// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyFolder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

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

TEST(StudyFolder, WhatAnInterruptedRunLeavesIsNoObstacle) {
    const test::TempFolder temp;
    write_text(temp / "mine/cache/logits/abc.h5", "made after somebody removed the folder");
    EXPECT_NO_THROW(StudyFolder(temp.path(), "mine").claim());
}

TEST(StudyFolder, PartsThatBeginTogetherClaimItTogether) {
    const test::TempFolder temp;
    for (int round = 0; round < 30; ++round) {
        const StudyFolder folder(temp.path(), fmt::format("study{}", round));
        std::atomic<int> refused = 0;
        {
            std::vector<std::jthread> parts;
            for (int part = 0; part < 4; ++part) {
                parts.emplace_back([&] {
                    try {
                        folder.claim();
                        folder.record_numerics("a");
                    } catch (const Error&) {
                        ++refused;
                    }
                });
            }
        }
        EXPECT_EQ(refused, 0);
    }
}

TEST(StudyFolder, PartsHaveTheirOwnSegmentsAndShareResultsAndStages) {
    const test::TempFolder temp;
    const StudyFolder whole(temp.path(), "mine");
    const StudyFolder part(temp.path(), "mine", {}, {2, 5});
    EXPECT_EQ(part.result("k"), whole.result("k"));
    EXPECT_EQ(part.cache().file("logits", "k"), whole.cache().file("logits", "k"));
    EXPECT_EQ(part.segments(), temp.path() / "mine/parts/part-2-of-5/segments");
    EXPECT_NE(part.lock(), whole.lock());
    write_text(part.progress(), "{}");
    const auto all = whole.all_parts();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].progress(), whole.progress());
    EXPECT_EQ(all[1].progress(), part.progress());
}

TEST(StudyFolder, StagesMayLieElsewhere) {
    const StudyFolder folder("results", "mine", "/shared/stages");
    EXPECT_EQ(folder.cache().file("artefact", "k"), fs::path("/shared/stages/artefact/k.h5"));
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
