// SPDX-License-Identifier: Apache-2.0
#include "engine/Work.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/Facts.hpp"
#include "engine/StageCache.hpp"
#include "engine/ToyStudy.hpp"

namespace aocq::engine {
namespace {

Work work_of(const config::Study& study, const std::string& numerics = "test") {
    return make_work(study, gather_facts(study), numerics);
}

std::map<std::string, int> kinds(const Work& work) {
    std::map<std::string, int> counts;
    for (const auto& unit : work.graph.units()) ++counts[unit.kind.substr(0, unit.kind.find(' '))];
    return counts;
}

TEST(Work, SharedStagesAppearOnce) {
    const test::ToyStudy toy;
    const auto counts = kinds(work_of(toy.study()));
    EXPECT_EQ(counts.at("collect"), 3);  // 10 images in chunks of 4, once for all four experiments
    EXPECT_EQ(counts.at("merge"), 1);
    EXPECT_EQ(counts.at("fit"), 4);    // 2 observers x 2 widths
    EXPECT_EQ(counts.at("float"), 3);  // 23 images in leases of 8
    EXPECT_EQ(counts.at("evaluate"), 12);
}

TEST(Work, CollectionDependsOnTheOutputsThatAreQuantizedAndOnNoOtherRule) {
    test::ToyStudy toy;
    const auto key = [&] { return work_of(toy.study()).experiments.back().statistics_key; };
    const std::string plain = key();
    toy.text += "[[rule]]\nkind = \"linear.*\"\nbits = 3\n";
    toy.write();
    EXPECT_EQ(key(), plain);
    toy.text += "[[rule]]\nkind = \"residual\"\nquantize = true\n";
    toy.write();
    const std::string residual = key();
    EXPECT_NE(residual, plain);
    EXPECT_EQ(kinds(work_of(toy.study())).at("collect"), 3);  // the same for both widths
    toy.text += "[[rule]]\nkind = \"residual\"\ngranularity = \"channel\"\n";
    toy.write();
    EXPECT_EQ(key(), residual);
    toy.text += "[[rule]]\nkind = \"head.output\"\nquantize = true\n";
    toy.write();
    EXPECT_NE(key(), residual);
}

TEST(Work, LeasesCoverEveryImageOnce) {
    const test::ToyStudy toy;
    const Work work = work_of(toy.study());
    for (const auto& experiment : work.experiments) {
        std::int64_t next = 0;
        for (const auto lease : experiment.leases) {
            const auto [first, last] = std::visit(
                [](const auto& task) -> std::pair<std::int64_t, std::int64_t> {
                    if constexpr (requires { task.first; }) return {task.first, task.last};
                    return {-1, -1};
                },
                work.tasks[lease]);
            EXPECT_EQ(first, next);
            next = last;
        }
        EXPECT_EQ(next, 23);
    }
}

TEST(Work, KeysFollowWhatChangesBitsAndNothingElse) {
    test::ToyStudy toy;
    const Work base = work_of(toy.study());
    const auto results = [](const Work& work) {
        std::vector<std::string> keys;
        for (const auto& e : work.experiments) keys.push_back(e.result_key);
        return keys;
    };
    EXPECT_EQ(results(work_of(toy.study())), results(base));

    toy.replace("lease = 8", "lease = 16");
    EXPECT_EQ(results(work_of(toy.study())), results(base));
    toy.replace("name = \"toy\"\nbits", "name = \"renamed\"\nbits");
    EXPECT_EQ(results(work_of(toy.study())), results(base));

    const std::string before = toy.text;
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"batch = 4", "batch = 2"},
             {"count = 23", "count = 24"},
             {"interpolation = \"none\"", "interpolation = \"none\"\nmean = [0.5, 0.5, 0.5]"}}) {
        toy.text = before;
        toy.replace(from, to);
        const auto changed = results(work_of(toy.study()));
        for (std::size_t i = 0; i < changed.size(); ++i)
            EXPECT_NE(changed[i], results(base)[i]) << to;
    }
    // Calibration matters to the quantized experiments only.
    toy.text = before;
    toy.replace("chunk = 4", "chunk = 5");
    const auto changed = results(work_of(toy.study()));
    EXPECT_EQ(changed[0], results(base)[0]);
    for (std::size_t i = 1; i < changed.size(); ++i) EXPECT_NE(changed[i], results(base)[i]);
}

TEST(Work, NumericsClassesNeverShareAResultButAnExperimentKeepsItsId) {
    const test::ToyStudy toy;
    const Work one = work_of(toy.study(), "cpu a"), two = work_of(toy.study(), "cpu b");
    for (std::size_t i = 0; i < one.experiments.size(); ++i) {
        EXPECT_EQ(one.experiments[i].id, two.experiments[i].id);
        EXPECT_NE(one.experiments[i].result_key, two.experiments[i].result_key);
    }
}

TEST(Work, PathsAreInNoKey) {
    const test::ToyStudy here, there;
    const Work one = work_of(here.study()), two = work_of(there.study());
    EXPECT_NE(here.folder.path(), there.folder.path());
    EXPECT_EQ(one.graph.fingerprint(), two.graph.fingerprint());
}

TEST(Work, ChangedWeightsChangeEveryKey) {
    const test::ToyStudy one, two;
    nn::VitShape shape;
    shape.image_size = 64;
    shape.patch_size = 16;
    shape.width = 24;
    shape.depth = 1;
    shape.heads = 2;
    shape.classes = 20;
    nn::save_weights(two.folder / "toy.safetensors",
                     nn::initial_parameters(nn::build_vit(shape), 2), {});
    const Work first = work_of(one.study()), second = work_of(two.study());
    std::set<std::string> keys;
    for (const auto& unit : first.graph.units()) keys.insert(unit.key);
    for (const auto& unit : second.graph.units())
        EXPECT_FALSE(keys.contains(unit.key)) << unit.label;
}

TEST(Work, ModelWithFewerClassesThanTheDatasetIsRefused) {
    test::ToyStudy toy;
    toy.replace("classes = 20", "classes = 19");
    EXPECT_THROW(gather_facts(toy.study()), Error);
}

// The toy study with a float count of its own in configs/float.
struct JudgedToy : test::ToyStudy {
    JudgedToy() {
        const config::Study first = study();
        const FloatSubject subject = float_subject(first.experiments.front(), gather_facts(first));
        std::filesystem::create_directories(folder / "configs/float");
        write_text(folder / "configs/float/toy.toml", count_table(subject, 5, "by hand"));
    }
};

TEST(Work, GateStandsBetweenTheFloatModelAndAllThatIsBuiltOnIt) {
    const JudgedToy toy;
    const Work work = work_of(toy.study());
    ASSERT_EQ(kinds(work).at("gate"), 1);
    const auto& units = work.graph.units();
    const auto gate = std::find_if(units.begin(), units.end(),
                                   [](const Unit& unit) { return unit.kind == "gate toy"; });
    EXPECT_EQ(gate->needs, work.experiments.front().leases);
    for (const Unit& unit : units) {
        const bool waits = std::count(unit.needs.begin(), unit.needs.end(), gate->index) == 1;
        EXPECT_EQ(waits, unit.kind == "fit toy" || unit.kind == "evaluate toy") << unit.label;
    }
    const auto& task = std::get<GateTask>(work.tasks[gate->index]);
    ASSERT_EQ(task.references.size(), 1U);
    EXPECT_EQ(task.references[0].top1, 5);
    EXPECT_EQ(cached_kind(work.tasks[gate->index]), "gate");
    // What people list and prune knows every kind that units leave.
    for (const Task& made : work.tasks) {
        const std::string kind(cached_kind(made));
        const auto& known = cache_kinds();
        EXPECT_TRUE(kind.empty() || std::find(known.begin(), known.end(), kind) != known.end())
            << kind;
    }
}

TEST(Work, GateChangesNoKeyButItsOwn) {
    JudgedToy toy;
    const Work judged = work_of(toy.study());
    toy.replace("schema = 1", "schema = 1\nfloat_gate = \"off\"");
    const Work free = work_of(toy.study());
    EXPECT_FALSE(kinds(free).contains("gate"));
    std::set<std::string> keys;
    for (const auto& unit : judged.graph.units()) keys.insert(unit.key);
    for (const auto& unit : free.graph.units()) EXPECT_TRUE(keys.contains(unit.key)) << unit.label;
    EXPECT_EQ(keys.size(), free.graph.size() + 1);
    toy.replace("\"off\"", "\"warn\"");
    EXPECT_EQ(kinds(work_of(toy.study())).at("gate"), 1);
}

}  // namespace
}  // namespace aocq::engine
