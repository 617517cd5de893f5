// SPDX-License-Identifier: Apache-2.0
// A study as its author wrote it (after extends, environment and --set), and its expansion into
// experiments. Sections that belong to another module (model, data.*, method, rule) stay JSON here;
// their owner reads them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/Document.hpp"
#include "core/EnumTable.hpp"
#include "core/Json.hpp"

namespace aocq::config {

// "W4A8", "W4A32" (weights only), "float".
struct BitWidths {
    int weights = 32;
    int activations = 32;  // 32: float
    bool is_float() const { return weights == 32 && activations == 32; }
    bool operator==(const BitWidths&) const = default;
};
BitWidths parse_bits(const std::string& text);  // Error(config) for anything else, bits 2..8 or 32
                                                // (16 counts as float: refuse)
std::string to_string(BitWidths bits);

// Where a table takes published numbers from, and which of them belong to its cells.
struct PublishedSpec {
    std::string
        file;  // CSV with the columns of experiments/published/*.csv; "" where none is declared
    std::string model;  // value of the column `model`
    // Row label -> values of the column `method`; the first that has a number counts.
    std::vector<std::pair<std::string, std::vector<std::string>>> methods;
    double tolerance = 0;  // percentage points; a larger difference is marked
};

struct TableSpec {
    std::string name;
    std::string caption;
    std::vector<std::string> rows;     // axis keys
    std::vector<std::string> columns;  // axis keys
    std::vector<std::string> cells;    // metrics: top1, top5, kl, agreement, memory
    // The axis whose values are sets of switches ("method.levels"): the table shows what each
    // switch changes, over a full factorial, instead of the cells. "": an ordinary table.
    std::string effects;
    PublishedSpec published;
};

// One assignment of an axis: key path and value, e.g. {"method.observer", "mse"}.
using Coordinates = std::vector<std::pair<std::string, Json>>;

struct Experiment {
    Coordinates coordinates;  // in the order of the axes
    BitWidths bits;
    std::uint64_t seed = 0;
    Json model;        // resolved section, `use` merged in
    Json calibration;  // data.calibration; null for the float experiment
    Json evaluation;   // data.evaluation
    Json method;       // null for the float experiment
    Json rules;  // [[rule]] tables of the study, to be applied after the method's own (method.rule)
    // Section ("model", "data.evaluation", ...) -> the name its `use` had. The sections themselves
    // no longer hold `use`: equal content is equal, whatever file it came from.
    std::map<std::string, std::string> uses;
    int float_index =
        -1;  // index in Study::experiments of the float model it is compared with; itself if float
};

struct RunConfig {
    int threads = 1;              // CPU threads per rank
    std::string device = "auto";  // auto, cpu, cuda
};

// What happens to a model whose float accuracy is not the known one: its quantized experiments
// fail, or there is a warning, or nobody looks.
enum class FloatGate { stop, warn, off };
inline constexpr EnumTable<FloatGate, 3> float_gates{{{
    {FloatGate::stop, "stop"},
    {FloatGate::warn, "warn"},
    {FloatGate::off, "off"},
}}};

struct Study {
    std::string name;
    std::string description;
    RunConfig run;
    FloatGate float_gate = FloatGate::stop;
    Json float_counts = Json::array();    // Document::float_counts
    std::vector<Experiment> experiments;  // each distinct float model first, then the axes' product
    std::vector<TableSpec> tables;
    std::vector<std::string> axis_keys;
};

// Expands the axes: the product in the order of the [[axis]] tables, the last one fastest, without
// what
// [[exclude]] drops. A float experiment has seed 0 and only the coordinates below model and
// data.evaluation; a point of the axes with bits "float" becomes that experiment. Errors carry
// file, line and key path.
Study expand(const Document& document);

// The immutable plan: canonical JSON that holds everything `run` needs, and back.
Json to_json(const Study& study);
Study study_from_json(const Json& value);

}  // namespace aocq::config
