// SPDX-License-Identifier: Apache-2.0
#include "engine/ResultStore.hpp"

#include <gtest/gtest.h>

#include "engine/Facts.hpp"
#include "engine/ImageRecords.hpp"
#include "engine/ToyStudy.hpp"

namespace aocq::engine {
namespace {

class ResultStoreOfAToy : public testing::Test {
  protected:
    test::ToyStudy toy;
    config::Study study = toy.study();
    Work work = make_work(study, gather_facts(study), "test");
    StudyFolder folder{toy.folder.path() / "results", "toy"};

    // Made-up records for one lease of an experiment.
    std::vector<std::byte> payload(std::int64_t first, std::int64_t last) const {
        std::vector<metrics::ImageResult> records;
        for (auto i = first; i < last; ++i) {
            metrics::ImageResult record;
            record.index = static_cast<std::uint32_t>(i);
            records.push_back(record);
        }
        return encode(records);
    }
    void add_lease(ResultStore& store, std::size_t experiment, std::size_t lease) const {
        const std::int64_t first = static_cast<std::int64_t>(lease) * 8;
        store.add(work.graph.unit(work.experiments[experiment].leases[lease]),
                  payload(first, std::min<std::int64_t>(first + 8, 23)));
    }
    bool settled(const ResultStore& store, std::uint32_t unit) const {
        const auto all = store.settled_units();
        return std::find(all.begin(), all.end(), unit) != all.end();
    }
};

TEST_F(ResultStoreOfAToy, StartsWithEverythingToDo) {
    EXPECT_TRUE(ResultStore(study, work, folder).settled_units().empty());
}

TEST_F(ResultStoreOfAToy, WritesAResultWhenTheLastLeaseComes) {
    ResultStore store(study, work, folder);
    add_lease(store, 1, 2);
    add_lease(store, 1, 0);
    EXPECT_FALSE(store.finished(1));
    EXPECT_FALSE(fs::exists(folder.result(work.experiments[1].result_key)));
    add_lease(store, 1, 1);
    EXPECT_TRUE(store.finished(1));
    const auto records = records_from_bundle(
        store::read_bundle(folder.result(work.experiments[1].result_key), "result"));
    ASSERT_EQ(records.size(), 23U);
    for (std::size_t i = 0; i < 23; ++i) EXPECT_EQ(records[i].index, i);
}

TEST_F(ResultStoreOfAToy, SegmentsBringBackWhatWasNotFinished) {
    {
        ResultStore store(study, work, folder);
        add_lease(store, 1, 0);
        store.write_segment();
        add_lease(store, 1, 1);
        store.write_segment();
        add_lease(store, 1,
                  2);  // never written: lost with the process, unless it finished the experiment
    }
    const ResultStore again(study, work, folder);
    EXPECT_TRUE(again.finished(1));  // the result file was written at once
    EXPECT_FALSE(again.finished(2));
}

TEST_F(ResultStoreOfAToy, LeaseInASegmentIsNotDoneAgain) {
    {
        ResultStore store(study, work, folder);
        add_lease(store, 2, 1);
        store.write_segment();
    }
    const ResultStore again(study, work, folder);
    EXPECT_TRUE(settled(again, work.experiments[2].leases[1]));
    EXPECT_FALSE(settled(again, work.experiments[2].leases[0]));
}

TEST_F(ResultStoreOfAToy, DamagedResultIsDoneAgain) {
    {
        ResultStore store(study, work, folder);
        for (const std::size_t lease : {0U, 1U, 2U}) add_lease(store, 3, lease);
    }
    const fs::path file = folder.result(work.experiments[3].result_key);
    std::string bytes = read_text(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 4);
    for (std::size_t i = 600; i < bytes.size(); i += 97) bytes[i] = static_cast<char>(bytes[i] ^ 1);
    write_text(file, bytes);
    const ResultStore again(study, work, folder);
    EXPECT_FALSE(again.finished(3));
    EXPECT_FALSE(settled(again, work.experiments[3].leases[0]));
}

TEST_F(ResultStoreOfAToy, WhatIsLeftOutNeedsNoUnit) {
    const std::set<std::string> failed = {work.experiments[3].id};
    const ResultStore store(study, work, folder, failed);
    EXPECT_EQ(store.left_out(), 1u);
    EXPECT_TRUE(settled(store, work.experiments[3].leases[0]));
    EXPECT_FALSE(settled(store, work.experiments[2].leases[0]));
}

TEST_F(ResultStoreOfAToy, DamagedStagesAreRemovedAndMadeAgain) {
    const Unit* statistics = nullptr;
    for (const Unit& unit : work.graph.units()) {
        if (cached_kind(work.tasks[unit.index]) == "statistics") statistics = &unit;
    }
    ASSERT_TRUE(statistics);
    make_folder(folder.cache().folder());
    folder.cache().keep("statistics", statistics->key, {"statistics", {}, {}});
    EXPECT_TRUE(settled(ResultStore(study, work, folder), statistics->index));
    const fs::path file = folder.cache().file("statistics", statistics->key);
    std::string bytes = read_text(file);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write_text(file, bytes);
    EXPECT_FALSE(settled(ResultStore(study, work, folder), statistics->index));
    EXPECT_FALSE(fs::exists(file));
}

TEST_F(ResultStoreOfAToy, KnowsWhatIsFinishedAndWhatHasBegun) {
    ResultStore store(study, work, folder);
    for (const std::size_t lease : {0U, 1U, 2U}) add_lease(store, 1, lease);
    add_lease(store, 2, 0);
    EXPECT_EQ(store.finished_ids(), std::set<std::string>{work.experiments[1].id});
    EXPECT_TRUE(store.begun_ids().contains(work.experiments[2].id));
    EXPECT_FALSE(store.begun_ids().contains(work.experiments[3].id));
}

TEST_F(ResultStoreOfAToy, FinishedStudyNeedsNoUnitAndKeepsNoSegments) {
    {
        ResultStore store(study, work, folder);
        for (std::size_t e = 0; e < work.experiments.size(); ++e) {
            for (const std::size_t lease : {0U, 1U, 2U}) add_lease(store, e, lease);
            store.write_segment();
        }
        store.remove_segments_if_finished();
    }
    EXPECT_FALSE(fs::exists(folder.segments()));
    EXPECT_EQ(ResultStore(study, work, folder).settled_units().size(), work.graph.size());
}

}  // namespace
}  // namespace aocq::engine
