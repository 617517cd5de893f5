// SPDX-License-Identifier: Apache-2.0
// Studies whose calibration images are made from the model.
#include "engine/CalibrationImages.hpp"

#include <gtest/gtest.h>

#include <set>

#include "engine/CacheContents.hpp"
#include "engine/Facts.hpp"
#include "engine/RunStudy.hpp"
#include "engine/ToyStudy.hpp"
#include "engine/Why.hpp"
#include "nn/Numerics.hpp"

namespace aocq::engine {
namespace {

constexpr const char* of_dataset =
    "kind = \"generated\"\nsplit = \"calibration\"\ncount = 12\nimage_size = 64\nimages = 10\n";

struct DataFreeToy : test::ToyStudy {
    explicit DataFreeToy(const std::string& passes = R"(["fit"])") : ToyStudy(R"(["minmax"])", 2) {
        replace(of_dataset, "source = \"synthetic\"\nimages = 5\nsynthesis = { iterations = 2 }\n");
        replace(R"(passes = ["fit"])", "passes = " + passes);
        replace(R"(values = ["W8A8", "W4A4"])", R"(values = ["W4A4"])");
    }
    RunOptions options() const {
        RunOptions options;
        options.results = folder.path() / "results";
        options.oversubscription = Oversubscription::allow;
        return options;
    }
    int run() const {
        return run_study_all(
            par::Communicator(), [this] { return study(); }, options());
    }
    Work work() const {
        const config::Study read = study();
        return make_work(read, gather_facts(read), nn::numerics_class({}, 1));
    }
    StudyFolder results() const { return {folder.path() / "results", "toy"}; }
    std::string result() const {
        return read_text(results().result(work().experiments.back().result_key));
    }
    std::vector<std::string> images() const {
        std::vector<std::string> files;
        const Work made = work();
        for (const auto& unit : made.experiments.back().synthetic)
            files.push_back(read_text(results().cache().file("synthetic", unit.key)));
        return files;
    }
};

std::vector<std::string> synthetic_keys(const DataFreeToy& toy) {
    std::vector<std::string> keys;
    const Work made = toy.work();
    for (const auto& unit : made.experiments.back().synthetic) keys.push_back(unit.key);
    return keys;
}

TEST(CalibrationImages, SyntheticOnesAreKeyedByWhatMakesThem) {
    DataFreeToy toy;
    const auto base = synthetic_keys(toy);
    EXPECT_EQ(std::set(base.begin(), base.end()).size(), 5U);
    toy.replace("chunk = 4", "chunk = 2\nbatch = 3");
    EXPECT_EQ(synthetic_keys(toy), base);
    toy.replace("\"W4A4\"", "\"W3A3\"");
    EXPECT_EQ(synthetic_keys(toy), base);
    toy.replace("images = 5", "images = 7");
    const auto more = synthetic_keys(toy);
    ASSERT_EQ(more.size(), 7U);
    EXPECT_TRUE(std::equal(base.begin(), base.end(), more.begin()));

    const std::string before = toy.text;
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"iterations = 2", "iterations = 3"},
             {"iterations = 2", "iterations = 2, jitter = [1, 2]"},
             {"bits = \"W8A8\"", "bits = \"W8A8\"\nseed = 7"},
             {"interpolation = \"none\"", "interpolation = \"none\"\nmean = [0.5, 0.5, 0.5]"}}) {
        toy.text = before;
        toy.replace(from, to);
        for (const auto& key : synthetic_keys(toy))
            EXPECT_EQ(std::count(more.begin(), more.end(), key), 0) << to;
    }
}

TEST(CalibrationImages, EveryStageWaitsForTheSyntheticImagesThatItReads) {
    const DataFreeToy toy(R"(["fit", "channel_balance"])");
    const Work work = toy.work();
    const auto waits_for = [&](const Unit& unit) {
        std::int64_t count = 0;
        for (const auto need : unit.needs)
            count += std::holds_alternative<SynthesisTask>(work.tasks[need]);
        return count;
    };
    for (const Unit& unit : work.graph.units()) {
        const Task& task = work.tasks[unit.index];
        if (const auto* collect = std::get_if<CollectTask>(&task)) {
            EXPECT_EQ(waits_for(unit), collect->last - collect->first);
        } else if (const auto* pass = std::get_if<PassTask>(&task)) {
            EXPECT_EQ(waits_for(unit), pass->stage == 0 ? 0 : 5) << unit.label;
        }
    }
}

TEST(CalibrationImages, AStudyWithoutDataRunsAndItsImagesAreMadeOnce) {
    const DataFreeToy toy(R"(["fit", "channel_balance", "weight_rounding"])");
    ASSERT_EQ(toy.run(), exit_done);
    const std::string result = toy.result();
    const StageCache cache = toy.results().cache();
    const auto times = [&] {
        std::vector<fs::file_time_type> all;
        for (const auto& key : synthetic_keys(toy))
            all.push_back(fs::last_write_time(cache.file("synthetic", key)));
        return all;
    };
    const auto before = times();
    for (const char* gone : {"artefact", "statistics", "chunk"})
        fs::remove_all(cache.folder() / gone);
    fs::remove(toy.results().result(toy.work().experiments.back().result_key));
    ASSERT_EQ(toy.run(), exit_done);
    EXPECT_EQ(times(), before);
    EXPECT_EQ(toy.result(), result);
    std::size_t listed = 0;
    for (const auto& file : list_files(cache)) listed += file.kind == "synthetic";
    EXPECT_EQ(listed, 5U);
}

TEST(CalibrationImages, ChunksAndBatchesOfAStudyDoNotChangeTheImages) {
    DataFreeToy one, other;
    other.replace("chunk = 4", "chunk = 1\nbatch = 2");
    ASSERT_EQ(one.run(), exit_done);
    ASSERT_EQ(other.run(), exit_done);
    EXPECT_EQ(one.images(), other.images());
}

TEST(CalibrationImages, DamagedOnesAreMadeAgain) {
    const DataFreeToy toy;
    ASSERT_EQ(toy.run(), exit_done);
    const std::string result = toy.result();
    const auto files = toy.images();
    const StageCache cache = toy.results().cache();
    const fs::path file = cache.file("synthetic", synthetic_keys(toy)[3]);
    std::string bytes = files[3];
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_text(file, bytes);
    for (const char* gone : {"artefact", "statistics", "chunk"})
        fs::remove_all(cache.folder() / gone);
    fs::remove(toy.results().result(toy.work().experiments.back().result_key));
    ASSERT_EQ(cache.condition("synthetic", synthetic_keys(toy)[3]), store::Condition::damaged);
    ASSERT_EQ(toy.run(), exit_done);
    EXPECT_EQ(toy.images(), files);
    EXPECT_EQ(toy.result(), result);
}

TEST(CalibrationImages, WhatIsMissingIsExplained) {
    DataFreeToy toy;
    ASSERT_EQ(toy.run(), exit_done);
    toy.replace("iterations = 2", "iterations = 3");
    const Work work = toy.work();
    const auto reports = explain(work, toy.results().cache(), work.experiments.size() - 1);
    const auto found = std::find_if(reports.begin(), reports.end(), [](const StageReport& report) {
        return report.kind == "synthetic";
    });
    ASSERT_NE(found, reports.end());
    ASSERT_TRUE(found->nearest.has_value());
    ASSERT_EQ(found->nearest->differences.size(), 1U);
    EXPECT_EQ(found->nearest->differences[0].path, "synthesis/iterations");
}

TEST(CalibrationImages, BatchesAreCutAcrossTheUnitsOfSyntheticImages) {
    const test::TempFolder temp;
    const StageCache cache(temp.path());
    DataUse use;
    use.synthesis.emplace();
    use.synthesis->at_once = 3;
    use.images = 8;
    use.batch = 2;
    data::Preprocess preprocess;
    preprocess.image_size = 2;
    auto units = synthetic_units(use);
    ASSERT_EQ(units.size(), 3U);
    const at::Tensor all = at::arange(8 * 12, at::kFloat).view({8, 3, 2, 2});
    for (auto& unit : units) {
        unit.key = std::to_string(unit.first);
        cache.keep("synthetic", unit.key,
                   synthetic_bundle(all.slice(0, unit.first, unit.last).contiguous(), {}));
    }
    std::vector<at::Tensor> found;
    std::vector<std::int64_t> numbers;
    for_each_calibration_batch({use, preprocess, 0, units, cache}, 1, 8,
                               [&](const at::Tensor& images, std::int64_t number) {
                                   found.push_back(images);
                                   numbers.push_back(number);
                               });
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 3, 5, 7}));
    EXPECT_TRUE(at::equal(at::cat(found), all.slice(0, 1, 8)));
}

}  // namespace
}  // namespace aocq::engine
