// SPDX-License-Identifier: Apache-2.0
// From a document to its experiments.
#include <algorithm>
#include <unordered_map>

#include "config/Axes.hpp"
#include "config/KeyPath.hpp"
#include "config/Origins.hpp"
#include "config/Resolve.hpp"
#include "config/Specs.hpp"
#include "config/Study.hpp"
#include "core/Fields.hpp"
#include "core/Sha256.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

[[noreturn]] void missing(const char* key, const char* wanted) {
    throw Error::config("a required key is missing").at("key", key).wanted(wanted);
}

Json section_of(const Json& sections, const char* key) {
    const Json* value = find_value(sections, key);
    if (!value) return {};
    if (!value->is_object()) {
        throw Error::config("wrong type in the configuration")
            .at("key", key)
            .found(value->type_name())
            .wanted("table");
    }
    return *value;
}

Json required_section(const Json& sections, const char* key) {
    Json value = section_of(sections, key);
    if (value.is_null()) missing(key, "table");
    return value;
}

Json rules_of(const Json& sections) {
    if (!sections.contains("rule")) return Json::array();
    Fields(sections, "").objects("rule");
    return sections["rule"];
}

// The part of the coordinates that a float model depends on.
Coordinates float_coordinates(const Coordinates& all) {
    Coordinates kept;
    for (const auto& coordinate : all) {
        if (is_inside(coordinate.first, "model") ||
            is_inside(coordinate.first, "data.evaluation")) {
            kept.push_back(coordinate);
        }
    }
    return kept;
}

std::string content(const Experiment& experiment) {
    return sha256_hex(canonical_json({to_string(experiment.bits), experiment.seed, experiment.model,
                                      experiment.calibration, experiment.evaluation,
                                      experiment.method, experiment.rules}));
}

[[noreturn]] void refuse_twins(const Coordinates& first, const Coordinates& second) {
    throw Error::config("two combinations of the axes give the same experiment")
        .advise("remove one value, or drop one of the two with [[exclude]]")
        .at("first", describe(first))
        .at("second", describe(second))
        .at("key", "axis");
}

class Expansion {
  public:
    Expansion(const Document& document, const std::vector<Axis>& axes)
        : document_(document), axes_(axes) {}

    void add(const Coordinates& coordinates) {
        const Resolved resolved = resolve(document_, axes_, coordinates);
        const Json& sections = resolved.sections;
        if (!sections.contains("bits"))
            missing("bits", "\"W4A8\" or \"float\", here or as an axis");
        Experiment experiment;
        experiment.coordinates = coordinates;
        experiment.bits = read_bits(sections["bits"], "bits");
        experiment.seed =
            static_cast<std::uint64_t>(Fields(sections, "").integer("seed", 0, largest_seed, 0));
        experiment.model = required_section(sections, "model");
        experiment.evaluation = required_section(sections, "data.evaluation");
        experiment.uses = resolved.uses;
        experiment.float_index = add_float(experiment);
        if (experiment.bits.is_float()) return;
        experiment.calibration = section_of(sections, "data.calibration");
        experiment.method = required_section(sections, "method");
        experiment.rules = rules_of(sections);
        const auto [twin, fresh] = known_.emplace(content(experiment), quantized_.size());
        if (!fresh) refuse_twins(quantized_[twin->second].coordinates, coordinates);
        quantized_.push_back(std::move(experiment));
    }

    std::vector<Experiment> take() {
        std::vector<Experiment> all = std::move(floats_);
        all.insert(all.end(), std::make_move_iterator(quantized_.begin()),
                   std::make_move_iterator(quantized_.end()));
        return all;
    }

  private:
    int add_float(const Experiment& of) {
        Experiment experiment;
        experiment.coordinates = float_coordinates(of.coordinates);
        experiment.model = of.model;
        experiment.evaluation = of.evaluation;
        experiment.rules = nullptr;
        for (const char* section : {"model", "data.evaluation"}) {
            const auto use = of.uses.find(section);
            if (use != of.uses.end()) experiment.uses.insert(*use);
        }
        const auto [place, fresh] = known_.emplace(content(experiment), floats_.size());
        const std::size_t index = place->second;
        if (!fresh && floats_[index].coordinates != experiment.coordinates) {
            refuse_twins(floats_[index].coordinates, experiment.coordinates);
        }
        experiment.float_index = static_cast<int>(index);
        if (fresh) floats_.push_back(std::move(experiment));
        return static_cast<int>(index);
    }

    const Document& document_;
    const std::vector<Axis>& axes_;
    std::vector<Experiment> floats_;
    std::vector<Experiment> quantized_;
    // Content -> index; the content of a float experiment never equals that of a quantized one.
    std::unordered_map<std::string, std::size_t> known_;
};

// What a table may show: the axes, and what is the same everywhere but has a name.
std::vector<std::string> table_keys(const Study& study, const Json& tree) {
    std::vector<std::string> keys = study.axis_keys;
    for (const char* key : {"bits", "model.use", "method.use"}) {
        const bool axis = std::find(keys.begin(), keys.end(), key) != keys.end();
        if (!axis && find_value(tree, key)) keys.emplace_back(key);
    }
    return keys;
}

void check_table_keys(const Fields& fields, const char* key, const std::vector<std::string>& named,
                      const std::vector<std::string>& known) {
    for (const auto& name : named) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        Error error = Error::config("a table goes over a key that no axis has");
        if (const auto guess = nearest(name, known); !guess.empty()) {
            error.advise("did you mean '" + guess + "'?");
        }
        fields.fail(key, error.found(name).wanted("one of " + join(known, ", ")));
    }
}

// Now, and not in the report of a study that took days.
void check_effects(const Fields& fields, const TableSpec& table, const Study& study) {
    if (table.effects.empty()) return;
    if (std::find(study.axis_keys.begin(), study.axis_keys.end(), table.effects) ==
        study.axis_keys.end()) {
        fields.fail("effects", Error::config("a table of effects goes over an axis of sets")
                                   .found(table.effects)
                                   .wanted("one of " + join(study.axis_keys, ", ")));
    }
    for (const Experiment& experiment : study.experiments) {
        for (const auto& [key, value] : experiment.coordinates) {
            if (key != table.effects || value.is_array()) continue;
            fields.fail("effects",
                        Error::config("a table of effects goes over an axis of sets")
                            .advise("for example subsets = [\"operator\", \"framework\"]")
                            .found(key + " = " + value.dump()));
        }
    }
    if (std::find(table.cells.begin(), table.cells.end(), "memory") != table.cells.end())
        fields.fail("cell",
                    Error::config("a table of effects shows what images have").found("memory"));
}

std::vector<TableSpec> read_tables(Fields& root, const Study& study,
                                   const std::vector<std::string>& known) {
    std::vector<TableSpec> tables;
    for (const auto& fields : root.objects("table")) {
        TableSpec table = read_table(fields);
        check_table_keys(fields, "rows", table.rows, known);
        check_table_keys(fields, "columns", table.columns, known);
        check_effects(fields, table, study);
        for (const auto& other : tables) {
            if (other.name != table.name) continue;
            fields.fail("name", Error::config("two tables have the same name").found(table.name));
        }
        tables.push_back(std::move(table));
    }
    return tables;
}

Study expand_unplaced(const Document& document) {
    Fields root(document.tree, "");
    know_only(root, {"schema", "name", "description", "extends", "bits", "seed", "model", "data",
                     "method", "rule", "run", "axis", "exclude", "table", "float_gate"});
    root.integer("schema", 1, 1);
    Study study;
    study.name = read_name(root);
    study.description = root.text("description", "");
    study.run = read_run(root.object("run"));
    study.float_gate = root.choice<FloatGate>("float_gate", float_gates, FloatGate::stop);
    study.float_counts = document.float_counts;
    Fields data = root.object("data");
    know_only(data, {"calibration", "evaluation"});

    const std::vector<Axis> axes = read_axes(root);
    for (const auto& axis : axes) {
        study.axis_keys.insert(study.axis_keys.end(), axis.keys.begin(), axis.keys.end());
    }
    Expansion expansion(document, axes);
    for (const auto& here : combinations(axes, read_excludes(root, axes))) expansion.add(here);
    study.experiments = expansion.take();
    study.tables = read_tables(root, study, table_keys(study, document.tree));
    return study;
}

}  // namespace

Study expand(const Document& document) {
    try {
        return expand_unplaced(document);
    } catch (const Error& error) {
        throw located(document, error);
    }
}

}  // namespace aocq::config
