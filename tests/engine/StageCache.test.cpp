// SPDX-License-Identifier: Apache-2.0
#include "engine/StageCache.hpp"

#include <gtest/gtest.h>

#include "engine/dispatch/UnitRunner.hpp"
#include "support/TempFolder.hpp"

namespace aocq::engine {
namespace {

store::Bundle some_logits(float value) {
    store::Bundle bundle{"logits", {{"first", 0}}, {}};
    bundle.arrays.push_back({"logits", {2}, std::vector<float>{value, 1}});
    bundle.identity = {{"bits", "W4A4"}};
    return bundle;
}

void flip_one_bit(const fs::path& file) {
    std::string bytes = read_text(file);
    bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
    write_text(file, bytes);
}

class StageCacheInAFolder : public testing::Test {
  protected:
    test::TempFolder temp;
    StageCache cache{temp.path()};
};

TEST_F(StageCacheInAFolder, GivesBackWhatItKeeps) {
    EXPECT_EQ(cache.condition("logits", "a"), store::Condition::absent);
    cache.keep("logits", "a", some_logits(3));
    EXPECT_EQ(cache.condition("logits", "a"), store::Condition::sound);
    EXPECT_EQ(cache.read("logits", "a").values<float>("logits")[0], 3.F);
    EXPECT_EQ(cache.identity("logits", "a").at("bits"), "W4A4");
}

TEST_F(StageCacheInAFolder, TheFirstFileStaysAndAnEqualOneIsWelcome) {
    cache.keep("logits", "a", some_logits(3));
    const auto before = fs::last_write_time(cache.file("logits", "a"));
    cache.keep("logits", "a", some_logits(3));
    EXPECT_EQ(fs::last_write_time(cache.file("logits", "a")), before);
    for (const auto& entry : fs::directory_iterator(temp.path() / "logits")) {
        EXPECT_EQ(entry.path().extension(), ".h5");  // nothing temporary is left
    }
}

TEST_F(StageCacheInAFolder, OtherBitsUnderTheSameKeyEndTheRun) {
    cache.keep("logits", "a", some_logits(3));
    try {
        cache.keep("logits", "a", some_logits(4));
        FAIL();
    } catch (const RankBroken& broken) {
        EXPECT_EQ(broken.helps, Remedy::user);
        EXPECT_NE(std::string(broken.what()).find("other bits"), std::string::npos);
    }
    EXPECT_EQ(cache.read("logits", "a").values<float>("logits")[0], 3.F);
}

TEST_F(StageCacheInAFolder, ADamagedFileIsReplaced) {
    cache.keep("logits", "a", some_logits(3));
    flip_one_bit(cache.file("logits", "a"));
    EXPECT_EQ(cache.condition("logits", "a"), store::Condition::damaged);
    cache.keep("logits", "a", some_logits(3));
    EXPECT_EQ(cache.condition("logits", "a"), store::Condition::sound);
}

TEST_F(StageCacheInAFolder, ADamagedFileReadBecomesAStaleInputAndIsPutOutOfTheWay) {
    cache.keep("logits", "a", some_logits(3));
    flip_one_bit(cache.file("logits", "a"));
    try {
        cache.read("logits", "a");
        FAIL();
    } catch (const StaleInput& stale) {
        EXPECT_EQ(stale.key, "a");
    }
    EXPECT_FALSE(fs::exists(cache.file("logits", "a")));
    EXPECT_THROW(cache.read("logits", "a"), StaleInput);
}

TEST_F(StageCacheInAFolder, AFolderThatHasGoneIsNotMadeAgain) {
    const StageCache other(temp.path() / "gone");
    EXPECT_THROW(other.keep("logits", "a", some_logits(3)), RankBroken);
    EXPECT_FALSE(fs::exists(temp.path() / "gone"));
}

}  // namespace
}  // namespace aocq::engine
