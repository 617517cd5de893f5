// SPDX-License-Identifier: Apache-2.0
// A study as units: synthesize images, collect chunks, merge them, run the passes of each recipe,
// evaluate leases. Stages that several experiments share appear once. Every rank builds the same
// from (study, facts, numerics class).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/Study.hpp"
#include "engine/CalibrationImages.hpp"
#include "engine/FloatGate.hpp"
#include "engine/dispatch/Unit.hpp"
#include "quant/Scheme.hpp"

namespace aocq::engine {

// What a unit does. Keys name the files of the cache; experiments are indices in the study.
struct SynthesisTask {  // calibration images [first, last), made from the model
    int experiment;
    std::int64_t first, last;
};
struct CollectTask {  // statistics of calibration images [first, last) of the drawn ones
    int experiment;
    std::int64_t first, last;
};
struct MergeTask {  // chunks -> statistics
    int experiment;
    std::vector<std::string> chunks;  // keys, in order
};
struct SensitivityTask {  // gradients of calibration images [first, last) of the drawn ones
    int experiment;
    std::int64_t first, last;
};
struct PassTask {  // one stage of the recipe
    int experiment;
    std::size_t stage;
    std::string statistics;                // key
    std::vector<std::string> sensitivity;  // keys of its chunks, in order; {} where not needed
    std::string parent;                    // key of the artefact before; "" at the first stage
};
struct PartTask {  // one step of a stage whose steps do not read each other's work
    int experiment;
    std::size_t stage, step;
    std::string statistics;
    std::vector<std::string> sensitivity;
    std::string parent;
};
struct JoinTask {  // all its parts -> the stage's artefact
    int experiment;
    std::size_t stage;
    std::string statistics;
    std::string parent;
    std::vector<std::string> parts;  // keys, in the order of the steps
};
struct FloatTask {  // the float model on a lease: logits to the cache, records to the coordinator
    int experiment;
    std::int64_t first, last;
};
struct GateTask {  // the float model's count against what is known, before anything is built on it
    int experiment;
    std::vector<std::string> logits;  // keys of its leases, in order
    FloatSubject subject;
    std::vector<FloatReference> references;
};
struct EvaluateTask {
    int experiment;
    std::int64_t first, last;
    std::string artefact;  // key
    std::string logits;    // key of the float logits of the same lease
};
using Task = std::variant<SynthesisTask, CollectTask, MergeTask, SensitivityTask, PassTask,
                          PartTask, JoinTask, FloatTask, GateTask, EvaluateTask>;

// One experiment's identity and its units.
struct ExperimentWork {
    std::string id;          // of what was asked: 12 hex digits, the same on every machine
    std::string result_key;  // of what comes out: with sources and numerics class
    std::vector<SyntheticUnit> synthetic;  // the calibration images, where they are synthetic
    std::string statistics_key;
    std::string artefact_key;           // of the last stage; "" for float
    std::vector<std::uint32_t> leases;  // evaluation units in order of their images
    std::int64_t images = 0;
    std::string model_name;
    std::vector<quant::SiteScheme> schemes;
};

struct Work {
    UnitGraph graph;
    std::vector<Task> tasks;  // parallel to graph.units()
    // What the keys were hashed from, as canonical JSON; parallel to graph.units().
    std::vector<std::string> identities;
    std::vector<ExperimentWork> experiments;
};

Work make_work(const config::Study& study, const Json& facts, const std::string& numerics);

// The kind of file that a unit leaves in the cache: "synthetic", "chunk", "statistics",
// "sensitivity", "artefact", "part", "logits", "gate", or "" for none.
std::string_view cached_kind(const Task& task);

}  // namespace aocq::engine
