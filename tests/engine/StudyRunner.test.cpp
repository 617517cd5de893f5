// SPDX-License-Identifier: Apache-2.0
// Whole runs of a toy study in this process.
#include "engine/StudyRunner.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/Facts.hpp"
#include "engine/RunStudy.hpp"
#include "engine/ToyStudy.hpp"
#include "nn/Numerics.hpp"
#include "quant/Artefact.hpp"

namespace aocq::engine {
namespace {

constexpr const char* one_observer = R"(["minmax"])";

// A study of two blocks with these passes.
struct BalancedToy : test::ToyStudy {
    explicit BalancedToy(const std::string& passes) : ToyStudy(one_observer, 2) {
        replace(R"(passes = ["fit"])", "passes = " + passes);
        replace(R"(values = ["W8A8", "W4A4"])", R"(values = ["W4A4"])");
    }
    RunOptions options() const {
        RunOptions options;
        options.results = folder.path() / "results";
        options.oversubscription = Oversubscription::allow;
        return options;
    }
    int run(const RunOptions& options) const {
        return run_study_all(
            par::Communicator(), [this] { return study(); }, options);
    }
    Work work() const {
        const config::Study read = study();
        return make_work(read, gather_facts(read), nn::numerics_class({}, 1));
    }
    quant::QuantizedModel artefact() const {
        const StudyFolder results(folder.path() / "results", "toy");
        return quant::quantized_from_bundle(
            results.cache().read("artefact", work().experiments.back().artefact_key));
    }
};

void expect_same(const nn::Parameters& a, const nn::Parameters& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : a) EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
}

TEST(StudyRunner, BlocksDoneInPartsAreTheSameAsBlocksDoneInARow) {
    const BalancedToy parts(R"(["fit", { for_each = "block", passes = ["channel_balance"] }])");
    const BalancedToy row(R"(["fit", "channel_balance"])");
    const auto counts = [](const Work& work) {
        int found = 0;
        for (const Task& task : work.tasks) found += std::holds_alternative<PartTask>(task);
        return found;
    };
    EXPECT_EQ(counts(parts.work()), 2);
    EXPECT_EQ(counts(row.work()), 0);
    EXPECT_EQ(parts.run(parts.options()), exit_done);
    EXPECT_EQ(row.run(row.options()), exit_done);
    const auto a = parts.artefact(), b = row.artefact();
    EXPECT_FALSE(a.balanced.empty());
    expect_same(a.balanced, b.balanced);
    expect_same(a.changed, b.changed);
    for (const auto& [site, index] : a.quantization.assignments()) {
        EXPECT_EQ(a.quantization.find(site)->grids, b.quantization.find(site)->grids) << site;
    }
    EXPECT_EQ(a.report.size(), b.report.size() + 1);  // one entry for each block
}

TEST(StudyRunner, AMemoryLimitChangesNoByte) {
    const std::string passes =
        R"(["fit", { for_each = "block", passes = ["channel_balance"] }, { for_each = "block", passes = ["activation_step", "weight_rounding"] }])";
    const std::string rounding = "\n[method.weight_rounding]\nteacher = 0.5";
    const BalancedToy free(passes + rounding), tight(passes + rounding);
    RunOptions limited = tight.options();
    limited.memory = 4096;
    EXPECT_EQ(free.run(free.options()), exit_done);
    EXPECT_EQ(tight.run(limited), exit_done);
    const auto result = [](const BalancedToy& toy) {
        const StudyFolder folder(toy.folder.path() / "results", "toy");
        return read_text(folder.result(toy.work().experiments.back().result_key));
    };
    EXPECT_EQ(result(free), result(tight));
}

TEST(StudyRunner, FailuresAreLeftOrTriedAgainAsTheUserSays) {
    const BalancedToy toy(R"(["fit"])");
    EXPECT_EQ(toy.run(toy.options()), exit_done);
    const StudyFolder folder(toy.folder.path() / "results", "toy");
    const auto experiment = toy.work().experiments.back();
    fs::remove(folder.result(experiment.result_key));
    write_text(folder.failure(experiment.id), R"({"error":{},"rank":0,"stage":"x"})");
    RunOptions leave = toy.options();
    leave.failed_before = FailedBefore::leave;
    EXPECT_EQ(toy.run(leave), exit_some_failed);
    EXPECT_FALSE(fs::exists(folder.result(experiment.result_key)));
    EXPECT_EQ(toy.run(toy.options()), exit_done);
    EXPECT_TRUE(fs::exists(folder.result(experiment.result_key)));
    EXPECT_FALSE(fs::exists(folder.failure(experiment.id)));
}

TEST(StudyRunner, AnotherNumericsClassKeepsItsResultsApart) {
    const BalancedToy toy(R"(["fit"])");
    EXPECT_EQ(toy.run(toy.options()), exit_done);
    const StudyFolder folder(toy.folder.path() / "results", "toy");
    folder.record_numerics("cuda of another world");
    testing::internal::CaptureStderr();
    EXPECT_EQ(toy.run(toy.options()), exit_done);
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("kept apart"), std::string::npos) << log;
}

}  // namespace
}  // namespace aocq::engine
