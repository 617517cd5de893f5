// SPDX-License-Identifier: Apache-2.0
#include "engine/Why.hpp"

#include <gtest/gtest.h>

#include "core/Sha256.hpp"
#include "engine/CacheContents.hpp"
#include "engine/Facts.hpp"
#include "engine/ToyStudy.hpp"

namespace aocq::engine {
namespace {

TEST(Differences, AreLeavesWithTheirPaths) {
    const auto found = differences({{"a", {{"b", 1}, {"c", 2}}}, {"d", 3}},
                                   {{"a", {{"b", 1}, {"c", 5}}}, {"e", 4}});
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].path, "a/c");
    EXPECT_EQ(found[0].wanted, 2);
    EXPECT_EQ(found[0].kept, 5);
    EXPECT_EQ(found[1].path, "d");
    EXPECT_TRUE(found[1].kept.is_null());
    EXPECT_EQ(found[2].path, "e");
    EXPECT_TRUE(differences(Json{{"x", 1}}, Json{{"x", 1}}).empty());
}

class WhyOfAToy : public testing::Test {
  protected:
    test::ToyStudy toy;
    StageCache cache{toy.folder.path() / "cache"};

    Work work() const {
        const config::Study study = toy.study();
        return make_work(study, gather_facts(study), "test");
    }
    // As if every unit of the kind had run.
    void keep(const Work& made, std::string_view kind) const {
        for (const Unit& unit : made.graph.units()) {
            if (cached_kind(made.tasks[unit.index]) != kind) continue;
            store::Bundle bundle{kind == "chunk" ? "statistics" : std::string(kind), {}, {}};
            bundle.identity = parse_json(made.identities[unit.index], "identity");
            make_folder(cache.folder());
            cache.keep(kind, unit.key, bundle);
        }
    }
};

TEST_F(WhyOfAToy, KeysAreHashesOfTheIdentities) {
    const Work made = work();
    ASSERT_EQ(made.identities.size(), made.graph.size());
    for (const Unit& unit : made.graph.units()) {
        EXPECT_EQ(sha256_hex(made.identities[unit.index]).substr(0, 40), unit.key);
    }
}

TEST_F(WhyOfAToy, NothingKeptIsJustMissing) {
    for (const auto& stage : explain(work(), cache, 1)) {
        EXPECT_EQ(stage.condition, store::Condition::absent);
        EXPECT_FALSE(stage.nearest);
    }
}

TEST_F(WhyOfAToy, BehindAKeptStageNothingIsLookedFor) {
    const Work made = work();
    keep(made, "statistics");
    for (const auto& stage : explain(made, cache, 1)) EXPECT_NE(stage.kind, "chunk");
}

TEST_F(WhyOfAToy, AnotherSeedOfTheCalibrationIsNamed) {
    keep(work(), "artefact");
    toy.replace("bits = \"W8A8\"\n", "bits = \"W8A8\"\nseed = 5\n");
    bool found = false;
    for (const auto& stage : explain(work(), cache, 1)) {
        if (stage.kind != "artefact") continue;
        ASSERT_TRUE(stage.nearest);
        for (const auto& one : stage.nearest->differences) found |= one.path == "seed";
    }
    EXPECT_TRUE(found);
}

TEST_F(WhyOfAToy, TheCacheListsWhatIsKeptAndWhatTheStudyUses) {
    const Work made = work();
    keep(made, "artefact");
    write_text(cache.folder() / "artefact" / "notes.txt", "mine");
    const auto files = list_files(cache);
    EXPECT_EQ(files.size(), 4u);  // 2 observers x 2 widths
    const auto used = keys_of(made);
    for (const auto& file : files) EXPECT_TRUE(used.contains(file.key));
    EXPECT_TRUE(list_leftovers(cache).empty());
}

TEST_F(WhyOfAToy, OldTemporaryFilesAreLeftovers) {
    make_folder(cache.folder());
    const fs::path file = cache.folder() / "artefact" / ".x.h5.host.1.0.part";
    write_text(file, "half");
    EXPECT_TRUE(list_leftovers(cache).empty());
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(2));
    EXPECT_EQ(list_leftovers(cache).size(), 1u);
    EXPECT_TRUE(list_files(cache).empty());
}

}  // namespace
}  // namespace aocq::engine
