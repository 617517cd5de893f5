// SPDX-License-Identifier: Apache-2.0
#include "quant/ValueStore.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/Error.hpp"
#include "support/TempFolder.hpp"

namespace aocq::quant {
namespace {

std::vector<at::Tensor> batches() {
    return {at::arange(0, 24, at::kFloat).reshape({1, 8, 3}),
            at::arange(100, 148, at::kFloat).reshape({2, 8, 3}),
            at::arange(200, 224, at::kFloat).reshape({1, 8, 3})};
}

at::Tensor gathered(ValueLimit limit) {
    ValueStore store(std::move(limit));
    for (const auto& batch : batches()) store.append(batch);
    return store.take();
}

TEST(ValueStore, GivesTheSameBitsFromMemoryAndFromAFile) {
    const at::Tensor whole = at::cat(batches(), 0);
    const test::TempFolder temp;
    EXPECT_TRUE(at::equal(gathered({}), whole));
    for (const std::uint64_t limit : {1U, 100U, 200U, 100000U}) {
        EXPECT_TRUE(at::equal(gathered({limit, temp.path()}), whole)) << limit;
    }
}

TEST(ValueStore, LeavesNoFileAndTheValueOutlivesIt) {
    const test::TempFolder temp;
    const at::Tensor value = gathered({1, temp.path()});
    EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
    EXPECT_EQ(value.slice(0, 3, 4).reshape({-1})[0].item<float>(), 200.F);
}

TEST(ValueStore, RoomBeyondTheLimitIsAsGoodAsMemory) {
    const test::TempFolder temp;
    for (const std::uint64_t limit : {0U, 10U, 1000000U}) {
        at::Tensor room = room_for({3, 5}, at::kFloat, {limit, temp.path()});
        room.copy_(at::arange(15, at::kFloat).reshape({3, 5}));
        EXPECT_EQ(room.sum().item<float>(), 105.F);
    }
    EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
}

TEST(ValueStore, AFolderThatTakesNoFileIsNamed) {
    try {
        gathered({1, "/nowhere/at/all"});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::environment);
        EXPECT_EQ(error.field("file"), "/nowhere/at/all");
    }
}

}  // namespace
}  // namespace aocq::quant
