// SPDX-License-Identifier: Apache-2.0
// Where the log goes and what it leaves out.
// stdout belongs to results: a log line there would break every script.
#include "core/Log.hpp"

#include <gtest/gtest.h>

namespace aocq {
namespace {

class Log : public testing::Test {
  protected:
    void TearDown() override { configure_log({}); }
};

TEST_F(Log, WritesToStderrOnly) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    log_info("{} of {}", 1, 2);
    log_warning("low");
    log_error("bad");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "1 of 2\nwarning: low\nerror: bad\n");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(Log, LeavesOutWhatIsBelowItsLevel) {
    configure_log({.level = LogLevel::warning, .rank = 0, .ranks = 1});
    testing::internal::CaptureStderr();
    log_debug("a");
    log_info("b");
    log_warning("c");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: c\n");
}

TEST_F(Log, NamesTheRankWhereThereAreSeveral) {
    configure_log({.level = LogLevel::info, .rank = 3, .ranks = 4});
    testing::internal::CaptureStderr();
    log_info("here");
    log_once("for all");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "[3] here\n");
}

TEST_F(Log, TheFirstRankSpeaksForAll) {
    configure_log({.level = LogLevel::info, .rank = 0, .ranks = 4});
    testing::internal::CaptureStderr();
    log_once("for all");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "[0] for all\n");
}

}  // namespace
}  // namespace aocq
