// SPDX-License-Identifier: Apache-2.0
#include "engine/Placement.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq::engine {
namespace {

using nn::DeviceKind;

TEST(Placement, RanksOnCoresOfTheirOwnAreFine) {
    EXPECT_NO_THROW(
        require_room({{"a", {0, 1}, 0}, {"a", {0, 1}, 0}, {"b", {0, 1}, 0}}, 1, DeviceKind::cpu));
    EXPECT_NO_THROW(require_room({{"a", {0, 1}, 0}, {"a", {2, 3}, 0}}, 2, DeviceKind::cpu));
}

TEST(Placement, MoreThreadsThanCoresNameTheHost) {
    try {
        require_room({{"a", {0, 1, 2, 3}, 0}, {"b", {0, 1}, 0}, {"b", {0, 1}, 0}}, 2,
                     DeviceKind::cpu);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("host"), "b");
        EXPECT_EQ(error.field("wanted"), "at most 1 on 2 cores");
    }
}

TEST(Placement, ARankBoundToFewerCoresThanThreadsIsRefused) {
    EXPECT_THROW(require_room({{"a", {0}, 0}, {"a", {1}, 0}}, 2, DeviceKind::cpu), Error);
}

TEST(Placement, RanksThatBindToTheSameCoreAreRefused) {
    EXPECT_THROW(require_room({{"a", {0}, 0}, {"a", {0}, 0}}, 1, DeviceKind::cpu), Error);
}

TEST(Placement, EachRankNeedsAGpuOfItsOwnOnCuda) {
    const std::vector<int> cores = {0, 1, 2, 3};
    EXPECT_NO_THROW(require_room({{"a", cores, 2}, {"a", cores, 2}}, 1, DeviceKind::cuda));
    EXPECT_THROW(require_room({{"a", cores, 1}, {"a", cores, 1}}, 1, DeviceKind::cuda), Error);
}

TEST(Placement, UnknownCoresAreNoObjection) {
    EXPECT_NO_THROW(require_room({{"a", {}, 0}, {"a", {}, 0}}, 4, DeviceKind::cpu));
}

TEST(Placement, ComesBackFromJson) {
    const Place place = place_of_this_rank("here");
    const Place again = place_from_json(to_json(place));
    EXPECT_EQ(again.cpus, place.cpus);
    EXPECT_EQ(again.host, "here");
    EXPECT_FALSE(place.cpus.empty());
}

}  // namespace
}  // namespace aocq::engine
