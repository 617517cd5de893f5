// SPDX-License-Identifier: Apache-2.0
#include "par/StopFlag.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "core/Error.hpp"

namespace aocq::par {
namespace {

TEST(StopFlag, IsSetByEachOfItsSignals) {
    for (const auto& [number, name] :
         {std::pair{SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}, {SIGINT, "SIGINT"}}) {
        const StopFlag flag;
        EXPECT_FALSE(flag.requested());
        EXPECT_STREQ(flag.name(), "");
        ASSERT_EQ(std::raise(number), 0);
        EXPECT_TRUE(flag.requested());
        EXPECT_STREQ(flag.name(), name);
    }
}

TEST(StopFlag, KeepsTheFirstSignal) {
    const StopFlag flag;
    std::raise(SIGUSR1);
    std::raise(SIGTERM);
    EXPECT_EQ(flag.signal(), SIGUSR1);
}

volatile std::sig_atomic_t own_handler_calls = 0;
void own_handler(int) {
    own_handler_calls = own_handler_calls + 1;
}

TEST(StopFlag, PutsTheFormerHandlerBack) {
    const auto before = std::signal(SIGUSR1, own_handler);
    {
        const StopFlag flag;
        std::raise(SIGUSR1);
    }
    EXPECT_EQ(own_handler_calls, 0);
    std::raise(SIGUSR1);
    EXPECT_EQ(own_handler_calls, 1);
    std::signal(SIGUSR1, before);
}

TEST(StopFlag, ASecondInterruptKills) {
    EXPECT_EXIT(
        {
            const StopFlag flag;
            std::raise(SIGINT);
            if (flag.requested()) std::raise(SIGINT);
        },
        ::testing::KilledBySignal(SIGINT), "");
}

TEST(StopFlag, ExistsOnce) {
    const StopFlag flag;
    EXPECT_THROW(StopFlag(), Error);
}

}  // namespace
}  // namespace aocq::par
