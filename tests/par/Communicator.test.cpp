// SPDX-License-Identifier: Apache-2.0
// One rank alone: everything works without MPI.
#include "par/Communicator.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"
#include "par/Collective.hpp"
#include "par/Message.hpp"
#include "par/Outbox.hpp"

namespace aocq::par {
namespace {

TEST(Communicator, IsOneRankAloneByDefault) {
    const Communicator alone;
    EXPECT_TRUE(alone.is_null());
    EXPECT_EQ(alone.rank(), 0);
    EXPECT_EQ(alone.size(), 1);
    EXPECT_EQ(alone.local_rank(), 0);
    EXPECT_EQ(alone.local_size(), 1);
}

TEST(Communicator, CollectivesOfOneRankReturnAtOnce) {
    const Communicator alone;
    EXPECT_EQ(broadcast_all(alone, "text"), "text");
    EXPECT_EQ(broadcast_made_all(alone, [] { return std::string("made"); }), "made");
    EXPECT_EQ(gather_all(alone, "mine"), std::vector<std::string>{"mine"});
    barrier_all(alone);
    EXPECT_FALSE(try_receive(alone));
}

TEST(Communicator, MadeTextPassesTheErrorOn) {
    const Communicator alone;
    try {
        broadcast_made_all(alone, []() -> std::string {
            throw Error::config("no such model").because("typo").at("key", "model.use");
        });
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::config);
        EXPECT_EQ(error.reason(), "typo");
        EXPECT_EQ(error.field("key"), "model.use");
    }
}

TEST(Outbox, RefusesRanksThatDoNotExist) {
    Outbox outbox{Communicator{}};
    EXPECT_THROW(outbox.send(1, 0, {}, "a test"), Error);
    EXPECT_THROW(outbox.send(0, 0, {}, "a test"), Error);  // itself
    EXPECT_TRUE(outbox.empty());
    EXPECT_TRUE(outbox.flush(std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace aocq::par
