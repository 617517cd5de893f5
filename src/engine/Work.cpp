// SPDX-License-Identifier: Apache-2.0
#include "engine/Work.hpp"

#include <fmt/format.h>

#include <map>

#include "core/BuildInfo.hpp"
#include "core/Sha256.hpp"
#include "engine/DataUse.hpp"
#include "engine/Facts.hpp"
#include "nn/Model.hpp"
#include "quant/Recipe.hpp"

namespace aocq::engine {
namespace {

constexpr std::int64_t samples_per_image = 512;

std::string hash_of(const std::string& canonical) {
    return sha256_hex(canonical).substr(0, 40);
}
std::string hash_of(const Json& parts) {
    return hash_of(canonical_json(parts));
}

std::string list_hash(const std::vector<std::uint32_t>& indices) {
    return sha256_hex(std::as_bytes(std::span(indices)));
}

// Seconds are guesses that the scheduler corrects from what it measures; only their relation
// matters at the start.
constexpr double seconds_per_image = 0.02;

class WorkBuilder {
  public:
    WorkBuilder(const config::Study& study, const Json& facts, const std::string& numerics)
        : study_(study),
          facts_(facts),
          counts_(study.float_counts),
          base_({{"sources", source_digest()}, {"numerics", numerics}}) {}

    Work build() {
        for (std::size_t i = 0; i < study_.experiments.size(); ++i)
            add_experiment(static_cast<int>(i));
        return {UnitGraph(std::move(units_)), std::move(tasks_), std::move(identities_),
                std::move(experiments_)};
    }

  private:
    struct Parsed {
        nn::ModelSpec spec;
        nn::Graph graph;
        Json model_key;  // weights, graph, preprocessing
    };

    Parsed parse_model(const config::Experiment& experiment) const {
        Parsed parsed{nn::model_spec_from(Fields(experiment.model, "model")), {}, {}};
        parsed.graph = nn::build_graph(parsed.spec);
        parsed.model_key = {
            {"weights", facts_.at("models").at(canonical_json(experiment.model)).at("weights")},
            {"graph", parsed.graph.fingerprint()},
            {"preprocess", data::to_json(parsed.spec.preprocess)}};
        return parsed;
    }

    const Json& data_facts(const Json& section) const {
        return facts_.at("data").at(canonical_json(section));
    }

    // A listing of a large dataset takes seconds: once per section.
    const DataUse& data_use(const Json& section, Purpose purpose) {
        const std::string key = canonical_json(section);
        auto found = data_.find(key);
        if (found == data_.end()) found = data_.emplace(key, open_data(section, purpose)).first;
        return found->second;
    }

    // One unit per key: whoever needs it again gets the index of the first. `parts`: what its key
    // is hashed from. `kind`: units that take about as long for an image.
    std::uint32_t add(const Json& parts, std::string kind, std::string label,
                      std::vector<std::uint32_t> needs, double cost, bool payload, int experiment,
                      Task task) {
        std::string identity = canonical_json(parts);
        std::string key = hash_of(identity);
        const auto [entry, fresh] =
            by_key_.try_emplace(key, static_cast<std::uint32_t>(units_.size()));
        if (fresh) {
            units_.push_back({entry->second, std::move(key), std::move(label), std::move(needs),
                              cost, payload, experiment, std::move(kind)});
            tasks_.push_back(std::move(task));
            identities_.push_back(std::move(identity));
        }
        return entry->second;
    }
    const std::string& key_of(std::uint32_t unit) const { return units_[unit].key; }

    Json keyed(const char* kind, Json parts) const {
        parts["kind"] = kind;
        parts["base"] = base_;
        return parts;
    }

    void add_experiment(int index) {
        const config::Experiment& experiment = study_.experiments[static_cast<std::size_t>(index)];
        const Parsed parsed = parse_model(experiment);
        ExperimentWork work;
        work.model_name = model_name(experiment);
        const DataUse& evaluation = data_use(experiment.evaluation, Purpose::evaluation);
        work.images = evaluation.images;
        const Json evaluated = {
            {"fingerprint", data_facts(experiment.evaluation).at("fingerprint")},
            {"images", evaluation.images},
            {"batch", evaluation.batch}};
        Json asked = {{"model", parsed.model_key},
                      {"evaluation", evaluated},
                      {"bits", config::to_string(experiment.bits)}};
        std::uint32_t last_stage = 0;
        if (!experiment.bits.is_float()) {
            last_stage = add_quantization(index, experiment, parsed, work, asked);
        }
        work.id = hash_of(asked).substr(0, 12);
        work.result_key = hash_of(keyed("result", {{"asked", asked}}));
        add_leases(index, experiment, parsed, evaluation, evaluated, last_stage, work);
        experiments_.push_back(std::move(work));
    }

    std::uint32_t add_quantization(int index, const config::Experiment& experiment,
                                   const Parsed& parsed, ExperimentWork& work, Json& asked) {
        const auto sites = quant::list_sites(parsed.graph);
        const ResolvedMethod method = resolve_method(experiment, parsed.graph);
        const quant::Recipe& recipe = method.recipe;
        work.schemes = method.schemes;
        Json scheme = Json::object();
        for (std::size_t i = 0; i < sites.size(); ++i) {
            if (work.schemes[i].quantized) scheme[sites[i].name] = quant::to_json(work.schemes[i]);
        }
        const std::uint32_t merged = add_collection(
            index, experiment, parsed, quant::fitted_outputs(sites, work.schemes), work);
        Json calibration = calibration_key_;
        Json stages = Json::array();
        std::string parent;
        std::uint32_t previous = merged;
        for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
            const quant::Stage& stage = recipe.stages[i];
            const Json passed = stage.describe();
            stages.push_back(passed);
            std::vector<std::string> sensitivity;
            std::vector<std::uint32_t> needs{merged};
            if (previous != merged) needs.push_back(previous);
            if (stage.needs().images) add_synthetic_needs(0, calibration_images_, needs);
            add_gate_need(experiment, needs);
            double cost = 1.0;
            if (stage.needs().images) cost = 1.0 * static_cast<double>(calibration_images_);
            if (stage.needs().sensitivity) {
                for (const auto& [chunk, unit] : add_sensitivity(index, experiment, parsed, work)) {
                    sensitivity.push_back(chunk);
                    needs.push_back(unit);
                }
            }
            Json parts = {{"model", parsed.model_key}, {"statistics", work.statistics_key},
                          {"scheme", scheme},          {"seed", experiment.seed},
                          {"parent", parent},          {"stage", passed}};
            if (!sensitivity.empty()) parts["sensitivity"] = sensitivity;
            const std::string name = fmt::format("{} {}", stage.label, work.model_name);
            const std::string label = fmt::format("{} {} {}", stage.label, work.model_name,
                                                  config::to_string(experiment.bits));
            Task task = PassTask{index, i, work.statistics_key, sensitivity, parent};
            if (stage.has_independent_steps()) {
                JoinTask join{index, i, work.statistics_key, parent, {}};
                std::vector<std::uint32_t> steps;
                for (std::size_t step = 0; step < stage.steps.size(); ++step) {
                    Json part = parts;
                    part["step"] = step;
                    steps.push_back(
                        add(keyed("part", std::move(part)), name + " part",
                            fmt::format("part {} {}", label, stage.steps[step].scope), needs,
                            cost / static_cast<double>(stage.steps.size()), false, index,
                            PartTask{index, i, step, work.statistics_key, sensitivity, parent}));
                    join.parts.push_back(key_of(steps.back()));
                }
                if (previous != merged) steps.push_back(previous);
                needs = std::move(steps);
                cost = 0.2;
                task = std::move(join);
            }
            previous = add(keyed("artefact", std::move(parts)), name, "pass " + label, needs, cost,
                           false, index, std::move(task));
            parent = key_of(previous);
        }
        work.artefact_key = parent;
        asked["calibration"] = calibration;
        asked["scheme"] = scheme;
        asked["stages"] = stages;
        asked["seed"] = experiment.seed;
        return previous;
    }

    // The drawn calibration images as every stage that reads them names them.
    Json calibration_parts(const config::Experiment& experiment, const Parsed& parsed,
                           const DataUse& use) {
        const auto drawn = calibration_images(use.size(), use.images, experiment.seed);
        calibration_key_ = {{"fingerprint", data_facts(experiment.calibration).at("fingerprint")},
                            {"indices", list_hash(drawn)},
                            {"batch", use.batch},
                            {"chunk", use.chunk},
                            {"seed", experiment.seed},
                            {"samples", samples_per_image}};
        calibration_images_ = use.images;
        return {{"model", parsed.model_key}, {"calibration", calibration_key_}};
    }

    // Images that are made from the model. How many others a study wants, and in which batches it
    // reads them, is in no key. They take long: a wrong float model is found before.
    void add_synthesis(int index, const config::Experiment& experiment, const Parsed& parsed,
                       const DataUse& use, ExperimentWork& work) {
        work.synthetic = synthetic_units(use);
        synthetic_.clear();
        std::vector<std::uint32_t> needs;
        add_gate_need(experiment, needs);
        for (SyntheticUnit& images : work.synthetic) {
            const Json parts = {{"model", parsed.model_key},
                                {"synthesis", quant::to_json(*use.synthesis)},
                                {"seed", experiment.seed},
                                {"first", images.first},
                                {"last", images.last}};
            const double cost = seconds_per_image * 8 * (1 + use.synthesis->iterations) *
                                static_cast<double>(images.last - images.first);
            const std::uint32_t unit = add(
                keyed("synthetic", parts), "synthesize " + work.model_name,
                fmt::format("synthesize {} {}..{}", work.model_name, images.first, images.last - 1),
                needs, cost, false, -1, SynthesisTask{index, images.first, images.last});
            images.key = key_of(unit);
            synthetic_.emplace_back(images, unit);
        }
    }

    void add_synthetic_needs(std::int64_t first, std::int64_t last,
                             std::vector<std::uint32_t>& needs) const {
        for (const auto& [images, unit] : synthetic_) {
            if (images.first < last && images.last > first) needs.push_back(unit);
        }
    }

    // `outputs`: sites that are observed beside the operands, which always are.
    std::uint32_t add_collection(int index, const config::Experiment& experiment,
                                 const Parsed& parsed, const std::vector<std::string>& outputs,
                                 ExperimentWork& work) {
        const DataUse& use = data_use(experiment.calibration, Purpose::calibration);
        Json parts = calibration_parts(experiment, parsed, use);
        add_synthesis(index, experiment, parsed, use, work);
        if (!outputs.empty()) parts["outputs"] = outputs;
        MergeTask merge{index, {}};
        std::vector<std::uint32_t> chunks;
        for (std::int64_t first = 0; first < use.images; first += use.chunk) {
            const std::int64_t last = std::min(first + use.chunk, use.images);
            Json chunk = parts;
            chunk["first"] = first;
            chunk["last"] = last;
            std::vector<std::uint32_t> needs;
            add_synthetic_needs(first, last, needs);
            chunks.push_back(add(keyed("chunk", chunk), "collect " + work.model_name,
                                 fmt::format("collect {} {}..{}", work.model_name, first, last - 1),
                                 std::move(needs),
                                 seconds_per_image * 1.5 * static_cast<double>(last - first), false,
                                 -1, CollectTask{index, first, last}));
            merge.chunks.push_back(key_of(chunks.back()));
        }
        const std::uint32_t merged = add(keyed("statistics", parts), "merge " + work.model_name,
                                         fmt::format("merge {}", work.model_name), chunks, 0.05,
                                         false, -1, std::move(merge));
        work.statistics_key = key_of(merged);
        return merged;
    }

    // Keys and units of the chunks, in order.
    std::vector<std::pair<std::string, std::uint32_t>> add_sensitivity(
        int index, const config::Experiment& experiment, const Parsed& parsed,
        const ExperimentWork& work) {
        const DataUse& use = data_use(experiment.calibration, Purpose::calibration);
        const Json parts = calibration_parts(experiment, parsed, use);
        std::vector<std::pair<std::string, std::uint32_t>> chunks;
        for (std::int64_t first = 0; first < use.images; first += use.chunk) {
            const std::int64_t last = std::min(first + use.chunk, use.images);
            Json chunk = parts;
            chunk["first"] = first;
            chunk["last"] = last;
            std::vector<std::uint32_t> needs;
            add_synthetic_needs(first, last, needs);
            const std::uint32_t unit =
                add(keyed("sensitivity", chunk), "sensitivity " + work.model_name,
                    fmt::format("sensitivity {} {}..{}", work.model_name, first, last - 1), needs,
                    seconds_per_image * 4 * static_cast<double>(last - first), false, -1,
                    SensitivityTask{index, first, last});
            chunks.emplace_back(key_of(unit), unit);
        }
        return chunks;
    }

    void add_leases(int index, const config::Experiment& experiment, const Parsed& parsed,
                    const DataUse& use, const Json& evaluated, std::uint32_t last_stage,
                    ExperimentWork& work) {
        const bool is_float = experiment.bits.is_float();
        std::vector<std::uint32_t> quantized_needs{last_stage};
        add_gate_need(experiment, quantized_needs);
        std::vector<std::string> all_logits;
        for (std::int64_t first = 0; first < use.images; first += use.lease) {
            const std::int64_t last = std::min(first + use.lease, use.images);
            const Json lease = {{"model", parsed.model_key},
                                {"evaluation", evaluated},
                                {"first", first},
                                {"last", last}};
            const Json logits_parts = keyed("logits", lease);
            const double cost = seconds_per_image * static_cast<double>(last - first);
            // The float lease is made by the float experiment, which stands before all others.
            all_logits.push_back(hash_of(logits_parts));
            if (is_float) {
                work.leases.push_back(
                    add(logits_parts, "float " + work.model_name,
                        fmt::format("float {} {}..{}", work.model_name, first, last - 1), {}, cost,
                        true, index, FloatTask{index, first, last}));
                continue;
            }
            const auto logits = by_key_.find(hash_of(logits_parts));
            AOCQ_ASSERT(logits != by_key_.end());
            std::vector<std::uint32_t> needs = quantized_needs;
            needs.push_back(logits->second);
            Json parts = lease;
            parts["artefact"] = work.artefact_key;
            work.leases.push_back(
                add(keyed("evaluate", parts), "evaluate " + work.model_name,
                    fmt::format("evaluate {} {} {}..{}", work.model_name,
                                config::to_string(experiment.bits), first, last - 1),
                    needs, cost, true, index,
                    EvaluateTask{index, first, last, work.artefact_key, logits->first}));
        }
        if (is_float) add_gate(index, experiment, std::move(all_logits), work);
    }

    // The unit that judges a float model, where something is known of it and the study wants it
    // judged.
    void add_gate(int index, const config::Experiment& experiment, std::vector<std::string> logits,
                  const ExperimentWork& work) {
        if (study_.float_gate == config::FloatGate::off) return;
        GateTask task{index, std::move(logits), float_subject(experiment, facts_), {}};
        task.references = counts_.references(task.subject);
        if (task.references.empty()) return;
        Json known = Json::array();
        for (const auto& reference : task.references)
            known.push_back({reference.top1, reference.tolerance});
        const Json parts = keyed("gate", {{"logits", task.logits},
                                          {"known", known},
                                          {"action", config::float_gates.name(study_.float_gate)}});
        gates_[index] = add(parts, "gate " + work.model_name, "gate " + work.model_name,
                            work.leases, 0.05, false, -1, std::move(task));
    }

    void add_gate_need(const config::Experiment& experiment,
                       std::vector<std::uint32_t>& needs) const {
        if (experiment.bits.is_float()) return;
        if (const auto gate = gates_.find(experiment.float_index); gate != gates_.end())
            needs.push_back(gate->second);
    }

    const config::Study& study_;
    const Json& facts_;
    FloatCounts counts_;
    Json base_;
    Json calibration_key_;
    std::int64_t calibration_images_ = 0;
    std::vector<std::pair<SyntheticUnit, std::uint32_t>> synthetic_;  // of the experiment in hand
    std::map<std::string, DataUse> data_;
    std::map<int, std::uint32_t> gates_;  // of float experiments of which something is known
    std::map<std::string, std::uint32_t> by_key_;
    std::vector<Unit> units_;
    std::vector<Task> tasks_;
    std::vector<std::string> identities_;
    std::vector<ExperimentWork> experiments_;
};

}  // namespace

Work make_work(const config::Study& study, const Json& facts, const std::string& numerics) {
    return WorkBuilder(study, facts, numerics).build();
}

std::string_view cached_kind(const Task& task) {
    constexpr std::string_view kinds[] = {"synthetic", "chunk", "statistics", "sensitivity",
                                          "artefact",  "part",  "artefact",   "logits",
                                          "gate",      ""};
    static_assert(std::size(kinds) == std::variant_size_v<Task>);
    return kinds[task.index()];
}

}  // namespace aocq::engine
