// SPDX-License-Identifier: Apache-2.0
#include "engine/RunProgress.hpp"

#include <gtest/gtest.h>

#include "engine/CostBook.hpp"
#include "engine/Facts.hpp"
#include "engine/MethodCost.hpp"
#include "engine/ToyStudy.hpp"

namespace aocq::engine {
namespace {

class ProgressOfAToy : public testing::Test {
  protected:
    test::ToyStudy toy;
    config::Study study = toy.study();
    Work work = make_work(study, gather_facts(study), "test");
    fs::path file = toy.folder.path() / "progress.json";

    DispatchView view(double elapsed, std::uint32_t unit) const {
        DispatchView now;
        now.elapsed_seconds = elapsed;
        now.counts.total = work.graph.size();
        now.counts.done = 3;
        now.counts.reused = 1;
        now.counts.seconds_left = 60;
        now.ranks = {{"node1", unit, 2.5}, {"", std::nullopt, 0}};
        return now;
    }
};

TEST_F(ProgressOfAToy, SaysWhichRankDoesWhat) {
    ProgressWriter writer(work, file, "cpu", {"aaa"}, {});
    writer.update(view(10, work.experiments[2].leases[0]));
    const auto read = read_progress(file);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->state, RunState::running);
    ASSERT_EQ(read->workers.size(), 2u);
    EXPECT_EQ(read->workers[0].host, "node1");
    EXPECT_EQ(read->workers[0].unit, work.graph.unit(work.experiments[2].leases[0]).label);
    EXPECT_EQ(read->workers[1].unit, "");
    EXPECT_EQ(read->running, std::set<std::string>{work.experiments[2].id});
    EXPECT_EQ(read->reused, std::set<std::string>{"aaa"});
    EXPECT_DOUBLE_EQ(read->units_per_second, 0.2);
    EXPECT_DOUBLE_EQ(read->seconds_left, 30);
}

TEST_F(ProgressOfAToy, WritesAboutOnceASecondAndAtTheEnd) {
    ProgressWriter writer(work, file, "cpu", {}, {});
    writer.update(view(1, 0));
    fs::remove(file);
    writer.update(view(1.5, 0));
    EXPECT_FALSE(fs::exists(file));
    writer.note_result(work.graph.unit(work.experiments[1].leases[0]));
    writer.end(RunState::stopped, "SIGTERM");
    const auto read = read_progress(file);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->state, RunState::stopped);
    EXPECT_EQ(read->cause, "SIGTERM");
    EXPECT_TRUE(read->running.empty());
    EXPECT_EQ(read->begun, std::set<std::string>{work.experiments[1].id});
}

TEST_F(ProgressOfAToy, AFileThatIsNoProgressIsNone) {
    EXPECT_FALSE(read_progress(file));
    for (const char* text : {"", "{}", "[1]", "{\"state\":\"dancing\"}"}) {
        write_text(file, text);
        EXPECT_FALSE(read_progress(file)) << text;
    }
}

TEST_F(ProgressOfAToy, CostsAreKeptOverRuns) {
    const fs::path costs = toy.folder.path() / "costs.json";
    {
        CostBook book(costs);
        book.note(work.graph.unit(0), {1.5, 1.25, 1000});
        book.write();
    }
    {
        CostBook book(costs);
        book.note(work.graph.unit(1), {0.5, 0.25, 3000});
        book.write();
    }
    const CostBook book(costs);
    EXPECT_EQ(book.entries().size(), 2u);
    ASSERT_EQ(work.graph.unit(0).kind, work.graph.unit(1).kind);
    const auto kinds = book.by_kind();
    ASSERT_EQ(kinds.size(), 1u);
    EXPECT_EQ(kinds[0].units, 2u);
    EXPECT_DOUBLE_EQ(kinds[0].total.cpu_seconds, 1.5);
    EXPECT_EQ(kinds[0].total.peak_bytes, 3000u);
}

TEST_F(ProgressOfAToy, CostOfAMethodIsThatOfAllItsStagesWithoutEvaluation) {
    std::map<std::string, CostEntry> entries;
    for (const Unit& unit : work.graph.units()) {
        const bool counts = unit.kind.starts_with("collect") || unit.kind.starts_with("merge") ||
                            unit.kind.starts_with("fit");
        // Whatever else is counted shows.
        entries[unit.key] = {unit.kind, {2.0, counts ? 1.0 : 1000.0, 10 + unit.index}};
    }
    const std::size_t last = work.experiments.size() - 1;
    ASSERT_FALSE(study.experiments[last].bits.is_float());
    const MethodCost cost = method_cost(work, last, entries);
    EXPECT_GE(cost.units, 3u);
    EXPECT_DOUBLE_EQ(cost.total.cpu_seconds, static_cast<double>(cost.units));
    EXPECT_DOUBLE_EQ(cost.total.seconds, 2.0 * static_cast<double>(cost.units));
    EXPECT_EQ(cost.unknown, 0u);
    EXPECT_EQ(method_cost(work, 0, entries).units, 0u);  // float
    entries.erase(work.experiments[last].artefact_key);
    const MethodCost cached = method_cost(work, last, entries);
    EXPECT_EQ(cached.unknown, 1u);
    EXPECT_DOUBLE_EQ(cached.total.cpu_seconds, static_cast<double>(cost.units - 1));
}

TEST_F(ProgressOfAToy, DamagedCostsCountAsNone) {
    const fs::path costs = toy.folder.path() / "costs.json";
    write_text(costs, "{\"a\": 3}");
    EXPECT_TRUE(CostBook(costs).entries().empty());
}

}  // namespace
}  // namespace aocq::engine
