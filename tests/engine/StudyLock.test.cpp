// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyLock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/Error.hpp"
#include "support/TempFolder.hpp"

namespace aocq::engine {
namespace {

class StudyLockInAFolder : public testing::Test {
  protected:
    test::TempFolder temp;
    fs::path file = temp.path() / "study" / "lock";
};

TEST_F(StudyLockInAFolder, IsHeldAsLongAsItLives) {
    EXPECT_FALSE(StudyLock::is_held(file));
    {
        const StudyLock lock(file);
        EXPECT_TRUE(StudyLock::is_held(file));
    }
    EXPECT_FALSE(StudyLock::is_held(file));
}

TEST_F(StudyLockInAFolder, ASecondOneIsRefusedAndToldWhoHasIt) {
    const StudyLock lock(file);
    try {
        const StudyLock second(file);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::environment);
        EXPECT_EQ(error.problem(), "the study is running already");
        EXPECT_NE(error.reason().find("process " + std::to_string(getpid())), std::string::npos);
    }
}

TEST_F(StudyLockInAFolder, AKilledHolderLeavesNoLock) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const StudyLock lock(file);
        const bool told = write(ready[1], "x", 1) == 1;
        pause();
        _exit(told ? 0 : 1);
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    EXPECT_THROW(StudyLock(fs::path(file)), Error);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    EXPECT_NO_THROW(StudyLock(fs::path(file)));
}

TEST_F(StudyLockInAFolder, NoticesThatItsFolderWasRemovedOrReplaced) {
    const StudyLock lock(file);
    EXPECT_NO_THROW(lock.require_in_place());
    fs::remove_all(file.parent_path());
    EXPECT_THROW(lock.require_in_place(), Error);
    make_folder(file.parent_path());
    write_text(file, "another");
    EXPECT_THROW(lock.require_in_place(), Error);
}

}  // namespace
}  // namespace aocq::engine
