// SPDX-License-Identifier: Apache-2.0
// The plan's JSON and back; what is read may come from anywhere and is checked throughout.
#include <fmt/format.h>

#include "config/Specs.hpp"
#include "config/Study.hpp"
#include "core/Fields.hpp"

namespace aocq::config {
namespace {

constexpr int plan_schema = 1;

Json to_json(const Experiment& experiment) {
    Json coordinates = Json::array();
    for (const auto& [key, value] : experiment.coordinates) {
        coordinates.push_back(Json::array({key, value}));
    }
    return {{"coordinates", coordinates},
            {"bits", to_string(experiment.bits)},
            {"seed", experiment.seed},
            {"model", experiment.model},
            {"calibration", experiment.calibration},
            {"evaluation", experiment.evaluation},
            {"method", experiment.method},
            {"rules", experiment.rules},
            {"uses", experiment.uses},
            {"float_index", experiment.float_index}};
}

Coordinates read_coordinates(Fields& fields) {
    Coordinates coordinates;
    const Json list = fields.value("coordinates");
    const auto refuse = [&] {
        fields.fail("coordinates", Error::config("wrong type in the configuration")
                                       .wanted("a list of pairs of a key and a value"));
    };
    if (!list.is_array()) refuse();
    for (const auto& pair : list) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) refuse();
        coordinates.emplace_back(pair[0].get<std::string>(), pair[1]);
    }
    return coordinates;
}

std::map<std::string, std::string> read_uses(Fields uses, const Json& table) {
    std::map<std::string, std::string> read;
    for (const auto& [section, name] : table.items()) read[section] = uses.text(section);
    return read;
}

Json table_of(Fields& fields, const char* key) {
    fields.object(key);
    return fields.value(key);
}

// A float experiment has none of these; a quantized one has a method and a list of rules.
void read_quantization(Fields& fields, Experiment& experiment) {
    const bool is_float = experiment.bits.is_float();
    for (const char* key : {"calibration", "method", "rules"}) {
        if (!fields.has(key) || (is_float && !fields.value(key).is_null())) {
            fields.fail(key, Error::config("wrong value in the plan")
                                 .wanted(is_float ? "null for a float experiment" : "a value"));
        }
    }
    if (is_float) return;
    if (!fields.value("calibration").is_null()) {
        experiment.calibration = table_of(fields, "calibration");
    }
    experiment.method = table_of(fields, "method");
    fields.objects("rules");
    experiment.rules = fields.value("rules");
}

Experiment read_experiment(Fields& fields, std::size_t index, std::size_t count) {
    know_only(fields, {"coordinates", "bits", "seed", "model", "calibration", "evaluation",
                       "method", "rules", "uses", "float_index"});
    Experiment experiment;
    experiment.coordinates = read_coordinates(fields);
    experiment.bits = read_bits(fields.text("bits"), fields.path_of("bits"));
    experiment.seed = static_cast<std::uint64_t>(fields.integer("seed", 0, largest_seed));
    for (const char* key : {"model", "evaluation"}) {
        if (!fields.has(key)) {
            fields.fail(key, Error::config("a required key is missing").wanted("table"));
        }
    }
    experiment.model = table_of(fields, "model");
    experiment.evaluation = table_of(fields, "evaluation");
    experiment.rules = nullptr;
    read_quantization(fields, experiment);
    experiment.uses = read_uses(fields.object("uses"), fields.value("uses"));
    experiment.float_index =
        static_cast<int>(fields.integer("float_index", 0, static_cast<std::int64_t>(count) - 1));
    const bool itself = static_cast<std::size_t>(experiment.float_index) == index;
    if (itself != experiment.bits.is_float()) {
        fields.fail("float_index", Error::config("wrong value in the plan")
                                       .wanted("itself for a float experiment, else another"));
    }
    return experiment;
}

std::vector<Experiment> read_experiments(Fields& root) {
    const Json list = root.value("experiments");
    if (!list.is_array() || list.empty() || list.size() > 2 * most_experiments) {
        root.fail("experiments", Error::config("wrong number of experiments in the plan")
                                     .wanted(fmt::format("1 to {}", 2 * most_experiments)));
    }
    std::vector<Experiment> experiments;
    for (std::size_t i = 0; i < list.size(); ++i) {
        Fields fields(list[i], fmt::format("experiments[{}]", i));
        experiments.push_back(read_experiment(fields, i, list.size()));
    }
    for (std::size_t i = 0; i < experiments.size(); ++i) {
        const auto target = static_cast<std::size_t>(experiments[i].float_index);
        if (experiments[target].bits.is_float()) continue;
        throw Error::config("wrong value in the plan")
            .at("key", fmt::format("experiments[{}].float_index", i))
            .found(std::to_string(target))
            .wanted("the number of a float experiment");
    }
    return experiments;
}

}  // namespace

Json to_json(const Study& study) {
    Json experiments = Json::array();
    for (const auto& experiment : study.experiments) experiments.push_back(to_json(experiment));
    Json tables = Json::array();
    for (const auto& table : study.tables) tables.push_back(to_json(table));
    return {{"schema", plan_schema},
            {"name", study.name},
            {"description", study.description},
            {"run", to_json(study.run)},
            {"float_gate", float_gates.name(study.float_gate)},
            {"float_counts", study.float_counts},
            {"experiments", experiments},
            {"tables", tables},
            {"axis_keys", study.axis_keys}};
}

Study study_from_json(const Json& value) {
    Fields root(value, "");
    know_only(root, {"schema", "name", "description", "run", "float_gate", "float_counts",
                     "experiments", "tables", "axis_keys"});
    root.integer("schema", plan_schema, plan_schema);
    Study study;
    study.name = read_name(root);
    study.description = root.text("description", "");
    study.run = read_run(root.object("run"));
    study.float_gate = root.choice<FloatGate>("float_gate", float_gates, FloatGate::stop);
    root.objects("float_counts");
    if (root.has("float_counts")) study.float_counts = root.value("float_counts");
    study.experiments = read_experiments(root);
    for (const auto& fields : root.objects("tables")) study.tables.push_back(read_table(fields));
    study.axis_keys = root.texts("axis_keys");
    return study;
}

}  // namespace aocq::config
