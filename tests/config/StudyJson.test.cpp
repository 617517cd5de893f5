// SPDX-License-Identifier: Apache-2.0
// The plan: it comes back as it was, and what does not fit is refused with its key path.
#include <functional>

#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using StudyJsonTest = ConfigTest;

const std::string rich = base_study + R"([[rule]]
kind = "residual"
[[axis]]
key = "bits"
values = ["W8A8", "float", "W4A32"]
[[axis]]
zip = { "model.use" = ["small", "large"], "seed" = [1, 9223372036854775807] }
[[axis]]
key = "method.levels"
subsets = ["a", "b"]
[[table]]
name = "t"
rows = "method.levels"
columns = ["bits", "model.use"]
cell = ["top1", "agreement"]
published = { file = "p.csv", model = "m", methods = { a = "b" }, tolerance = 0.3 }
)";

TEST_F(StudyJsonTest, ComesBackAsItWas) {
    const Json plan = to_json(study(rich));
    EXPECT_EQ(plan["experiments"].size(), 2U + 2U * 2U * 4U);
    const std::string text = canonical_json(plan);
    EXPECT_EQ(canonical_json(to_json(study_from_json(parse_json(text, "plan")))), text);
}

TEST_F(StudyJsonTest, EveryPartIsInThePlan) {
    const Study before = study(rich);
    const Study after = study_from_json(to_json(before));
    EXPECT_EQ(after.name, before.name);
    EXPECT_EQ(after.axis_keys, before.axis_keys);
    EXPECT_EQ(after.run.threads, 2);
    const Experiment& one = before.experiments.back();
    const Experiment& two = after.experiments.back();
    EXPECT_EQ(two.coordinates, one.coordinates);
    EXPECT_EQ(two.bits, one.bits);
    EXPECT_EQ(two.seed, 9223372036854775807U);
    EXPECT_EQ(two.model, one.model);
    EXPECT_EQ(two.method, one.method);
    EXPECT_EQ(two.calibration, one.calibration);
    EXPECT_EQ(two.evaluation, one.evaluation);
    EXPECT_EQ(two.rules, one.rules);
    EXPECT_EQ(two.uses, one.uses);
    EXPECT_EQ(two.float_index, 1);
    EXPECT_EQ(after.tables[0].published.methods, before.tables[0].published.methods);
    EXPECT_EQ(after.tables[0].cells, before.tables[0].cells);
}

TEST_F(StudyJsonTest, SameStudyGivesTheSameBytes) {
    EXPECT_EQ(canonical_json(to_json(study(rich))), canonical_json(to_json(study(rich))));
}

TEST_F(StudyJsonTest, ForeignPlanIsRefusedWithItsKey) {
    const Json good = to_json(study(rich));
    const std::size_t last = good["experiments"].size() - 1;
    const std::string name = "experiments[" + std::to_string(last) + "].";
    const std::vector<std::pair<std::string, std::function<void(Json&, Json&)>>> faults = {
        {"schema", [](Json& plan, Json&) { plan["schema"] = 9; }},
        {"more", [](Json& plan, Json&) { plan["more"] = 9; }},
        {"name", [](Json& plan, Json&) { plan["name"] = "../x"; }},
        {"run.threads", [](Json& plan, Json&) { plan["run"]["threads"] = 1 << 20; }},
        {"experiments", [](Json& plan, Json&) { plan["experiments"] = Json::array(); }},
        {"experiments", [](Json& plan, Json&) { plan.erase("experiments"); }},
        {name + "bits", [](Json&, Json& one) { one["bits"] = "W1A1"; }},
        {name + "bits", [](Json&, Json& one) { one.erase("bits"); }},
        {name + "seed", [](Json&, Json& one) { one["seed"] = -1; }},
        {name + "seed", [](Json&, Json& one) { one["seed"] = 18446744073709551615U; }},
        {name + "model", [](Json&, Json& one) { one["model"] = 1; }},
        {name + "model", [](Json&, Json& one) { one.erase("model"); }},
        {name + "evaluation", [](Json&, Json& one) { one["evaluation"] = nullptr; }},
        {name + "method", [](Json&, Json& one) { one["method"] = nullptr; }},
        {name + "rules",
         [](Json&, Json& one) {
             one["rules"] = {{"a", 1}};
         }},
        {name + "rules[0]", [](Json&, Json& one) { one["rules"] = {1}; }},
        {name + "coordinates",
         [](Json&, Json& one) {
             one["coordinates"] = {{1, 2}};
         }},
        {name + "coordinates", [](Json&, Json& one) { one["coordinates"] = {{"a"}}; }},
        {name + "uses.model", [](Json&, Json& one) { one["uses"]["model"] = 1; }},
        {name + "float_index", [](Json&, Json& one) { one["float_index"] = 1 << 20; }},
        {name + "float_index", [](Json&, Json& one) { one["float_index"] = -1; }},
        {name + "float_index", [](Json&, Json& one) { one["float_index"] = 5; }},
        {name + "float_index", [last](Json&, Json& one) { one["float_index"] = last; }},
        {name + "other", [](Json&, Json& one) { one["other"] = 1; }},
        {"experiments[0].method",
         [](Json& plan, Json&) { plan["experiments"][0]["method"] = Json::object(); }},
        {"experiments[0].float_index",
         [](Json& plan, Json&) { plan["experiments"][0]["float_index"] = 1; }},
        {"tables[0].name", [](Json& plan, Json&) { plan["tables"][0]["name"] = ""; }},
        {"axis_keys", [](Json& plan, Json&) { plan["axis_keys"] = 1; }},
    };
    for (const auto& [key, damage] : faults) {
        Json plan = good;
        damage(plan, plan["experiments"].is_array() && !plan["experiments"].empty()
                         ? plan["experiments"].back()
                         : plan);
        const Error error = error_of([&, damaged = plan] { study_from_json(damaged); });
        EXPECT_EQ(error.kind(), ErrorKind::config) << key;
        EXPECT_EQ(error.field("key"), key) << error.what();
    }
    EXPECT_EQ(error_of([] { study_from_json(Json(3)); }).kind(), ErrorKind::config);
}

}  // namespace
}  // namespace aocq::config
