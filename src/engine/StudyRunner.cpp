// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyRunner.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/Log.hpp"
#include "engine/CalibrationImages.hpp"
#include "engine/Checkpoint.hpp"
#include "engine/ImageRecords.hpp"
#include "metrics/TopK.hpp"
#include "nn/Autograd.hpp"
#include "quant/Artefact.hpp"
#include "quant/Collect.hpp"
#include "quant/ImageSynthesis.hpp"
#include "quant/JoinParts.hpp"
#include "quant/Recipe.hpp"
#include "store/Statistics.hpp"

namespace aocq::engine {

struct StudyRunner::LoadedModel {
    nn::Model model;
    nn::Parameters on_device;
    std::vector<quant::Site> sites;
};

StudyRunner::StudyRunner(const config::Study& study, const Work& work, const StudyFolder& folder,
                         nn::DeviceChoice device, std::uint64_t memory)
    : study_(study), work_(work), folder_(folder), device_(device), memory_(memory) {}
StudyRunner::~StudyRunner() = default;

void StudyRunner::prepare() {
    nn::set_numerics(study_.run.threads);
}

std::vector<std::byte> StudyRunner::run(const Unit& unit, std::stop_token stop) {
    const nn::NoGradients scope;
    stop_ = stop;
    try {
        return std::visit([&](const auto& task) { return perform(unit, task, stop); },
                          work_.tasks[unit.index]);
    } catch (const std::exception& error) {
        // Such a device answers every later call with the same error.
        if (nn::is_device_failure(error)) {
            throw RankBroken(Error::environment("the GPU failed").because(error.what()));
        }
        throw;
    }
}

void StudyRunner::keep(std::string_view kind, const Unit& unit, store::Bundle bundle) const {
    bundle.identity = parse_json(work_.identities[unit.index], "identity");
    folder_.cache().keep(kind, unit.key, bundle);
}

const config::Experiment& StudyRunner::experiment(int index) const {
    return study_.experiments[static_cast<std::size_t>(index)];
}

const StudyRunner::LoadedModel& StudyRunner::model(int index) {
    auto& slot = models_[canonical_json(experiment(index).model)];
    if (!slot) {
        nn::Model loaded =
            nn::load_model(nn::model_spec_from(Fields(experiment(index).model, "model")));
        nn::Parameters on_device;
        for (const auto& [name, tensor] : loaded.parameters)
            on_device[name] = tensor.to(nn::to_device(device_));
        std::vector<quant::Site> sites = quant::list_sites(loaded.graph);
        slot = std::make_unique<LoadedModel>(
            LoadedModel{std::move(loaded), std::move(on_device), std::move(sites)});
    }
    return *slot;
}

const DataUse& StudyRunner::data(const Json& section, Purpose purpose) {
    const std::string key = canonical_json(section);
    auto found = data_.find(key);
    if (found == data_.end()) found = data_.emplace(key, open_data(section, purpose)).first;
    return found->second;
}

at::Tensor StudyRunner::to_device(const at::Tensor& images) const {
    return images.to(nn::to_device(device_));
}

Lease StudyRunner::lease(int index, std::int64_t first, std::int64_t last) {
    const DataUse& use = data(experiment(index).evaluation, Purpose::evaluation);
    return {*use.dataset, model(index).model.spec.preprocess, first, last, use.batch};
}

void StudyRunner::for_each_calibration_batch(
    int index, std::int64_t first, std::int64_t last, const std::stop_token& stop,
    const std::function<void(const at::Tensor&, std::int64_t)>& use_batch) {
    engine::for_each_calibration_batch(
        {data(experiment(index).calibration, Purpose::calibration),
         model(index).model.spec.preprocess, experiment(index).seed,
         work_.experiments[static_cast<std::size_t>(index)].synthetic, folder_.cache()},
        first, last, [&](const at::Tensor& images, std::int64_t number) {
            if (stop.stop_requested()) throw Stopped();
            use_batch(to_device(images), number);
        });
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const SynthesisTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    const data::Preprocess& preprocess = loaded.model.spec.preprocess;
    quant::ImageForm form{preprocess.image_size, {}, {}};
    for (std::size_t i = 0; i < form.low.size(); ++i) {
        form.low[i] = (0 - preprocess.mean[i]) / preprocess.std[i];
        form.high[i] = (1 - preprocess.mean[i]) / preprocess.std[i];
    }
    const DataUse& use = data(experiment(task.experiment).calibration, Purpose::calibration);
    const quant::ImageSynthesis synthesis(
        loaded.model.graph, loaded.on_device, form, *use.synthesis,
        RandomKey(experiment(task.experiment).seed).child("synthesis"));
    const at::Tensor images = synthesis.make(task.first, task.last, [&] {
        if (stop.stop_requested()) throw Stopped();
    });
    keep("synthetic", unit,
         synthetic_bundle(images, {{"first", task.first},
                                   {"last", task.last},
                                   {"weights", loaded.model.fingerprint},
                                   {"seed", experiment(task.experiment).seed},
                                   {"synthesis", quant::to_json(*use.synthesis)}}));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const CollectTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    const auto& schemes = work_.experiments[static_cast<std::size_t>(task.experiment)].schemes;
    quant::Collector collector(loaded.model.graph, loaded.on_device,
                               {.seed = experiment(task.experiment).seed,
                                .outputs = quant::fitted_outputs(loaded.sites, schemes)});
    for_each_calibration_batch(
        task.experiment, task.first, task.last, stop,
        [&](const at::Tensor& images, std::int64_t first) { collector.add(images, first); });
    const store::StatisticsFile chunk{{{"first", task.first}, {"last", task.last}},
                                      collector.result()};
    keep("chunk", unit, store::to_bundle(chunk));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const SensitivityTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    quant::SensitivityMeter meter(loaded.model.graph, loaded.on_device,
                                  experiment(task.experiment).seed);
    for_each_calibration_batch(
        task.experiment, task.first, task.last, stop,
        [&](const at::Tensor& images, std::int64_t first) { meter.add(images, first); });
    keep("sensitivity", unit,
         quant::to_bundle(meter.result(), {{"first", task.first}, {"last", task.last}}));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const MergeTask& task,
                                            const std::stop_token&) {
    std::vector<std::vector<store::SiteStatistics>> chunks;
    for (const auto& key : task.chunks) {
        chunks.push_back(store::statistics_from_bundle(folder_.cache().read("chunk", key)).sites);
    }
    const LoadedModel& loaded = model(task.experiment);
    const DataUse& use = data(experiment(task.experiment).calibration, Purpose::calibration);
    const store::StatisticsFile merged{
        {{"model", work_.experiments[static_cast<std::size_t>(task.experiment)].model_name},
         {"weights", loaded.model.fingerprint},
         {"images", use.images},
         {"dataset", use.fingerprint()},
         {"seed", experiment(task.experiment).seed}},
        quant::merge_chunks(chunks)};
    keep("statistics", unit, store::to_bundle(merged));
    return {};
}

quant::QuantizedModel StudyRunner::start_of(int index, const std::string& parent) {
    if (!parent.empty()) {
        return quant::quantized_from_bundle(folder_.cache().read("artefact", parent));
    }
    quant::QuantizedModel fresh;
    fresh.quantization = quant::Quantization(
        model(index).sites, work_.experiments[static_cast<std::size_t>(index)].schemes);
    return fresh;
}

// The parts of a stage go over the same images one after the other, so the walk goes on from where
// the last part left it; but not with values that a pass left there, for a unit's bits must not
// depend on what its rank did before. Whole stages begin anew.
quant::BlockWalk& StudyRunner::walk(int index, WalkStart start) {
    const config::Experiment& wanted = experiment(index);
    const std::string key = canonical_json(
        {{"model", wanted.model}, {"images", wanted.calibration}, {"seed", wanted.seed}});
    if (start == WalkStart::continued && walk_ && walk_->key == key) {
        walk_->walk.forget_student();
        walk_->walk.forget_left();
        return walk_->walk;
    }
    const LoadedModel& loaded = model(index);
    walk_.reset();
    walk_.emplace(Walk{start == WalkStart::continued ? key : std::string(),
                       {loaded.model.graph,
                        loaded.on_device,
                        [this, index](const auto& use_batch) {
                            const Json& section = experiment(index).calibration;
                            for_each_calibration_batch(
                                index, 0, data(section, Purpose::calibration).images, stop_,
                                [&](const at::Tensor& images, std::int64_t) { use_batch(images); });
                        },
                        // Teacher and student, each before and behind a block.
                        {.bytes = memory_ / 4}}});
    return walk_->walk;
}

template <class StageTask>
void StudyRunner::in_stage(
    const StageTask& task, WalkStart start,
    const std::function<void(const quant::Stage&, const quant::PassContext&)>& use) {
    const LoadedModel& loaded = model(task.experiment);
    const config::Experiment& wanted = experiment(task.experiment);
    inputs_.hold(folder_.cache(), task.statistics, task.sensitivity);
    const quant::Recipe recipe =
        quant::recipe_from(Fields(wanted.method, "method"), loaded.model.graph);
    use(recipe.stages[task.stage], {.graph = loaded.model.graph,
                                    .parameters = loaded.on_device,
                                    .sites = loaded.sites,
                                    .statistics = inputs_.statistics(),
                                    .walk = &walk(task.experiment, start),
                                    .sensitivity = &inputs_.sensitivity(),
                                    .seed = wanted.seed,
                                    .may_stop = [&] {
                                        if (stop_.stop_requested()) throw Stopped();
                                    }});
}

template <class StageTask>
Json StudyRunner::provenance(const StageTask& task) {
    const LoadedModel& loaded = model(task.experiment);
    const quant::Recipe recipe = quant::recipe_from(
        Fields(experiment(task.experiment).method, "method"), loaded.model.graph);
    return {{"model", work_.experiments[static_cast<std::size_t>(task.experiment)].model_name},
            {"weights", loaded.model.fingerprint},
            {"statistics", task.statistics},
            {"parent", task.parent},
            {"stage", recipe.stages[task.stage].describe()}};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const PassTask& task,
                                            const std::stop_token&) {
    const Checkpoint checkpoint(folder_.cache().file("checkpoint", unit.key));
    quant::QuantizedModel quantized;
    in_stage(task, WalkStart::fresh,
             [&](const quant::Stage& stage, const quant::PassContext& context) {
                 Checkpoint state = checkpoint;
                 std::size_t done = 0;
                 if (auto saved = state.load()) {
                     done = saved->steps;
                     quantized = std::move(saved->model);
                 } else {
                     quantized = start_of(task.experiment, task.parent);
                 }
                 quant::run_steps(stage, done, context, quantized, [&](std::size_t steps) {
                     if (steps < stage.steps.size()) state.offer(quantized, steps);
                 });
             });
    walk_.reset();  // its values may be large
    keep("artefact", unit, quant::to_bundle(quantized, provenance(task)));
    checkpoint.remove();
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const PartTask& task,
                                            const std::stop_token&) {
    quant::QuantizedModel quantized = start_of(task.experiment, task.parent);
    in_stage(task, WalkStart::continued,
             [&](const quant::Stage& stage, const quant::PassContext& context) {
                 quant::run_step(stage.steps[task.step], context, quantized);
             });
    keep("part", unit, quant::to_bundle(quantized, provenance(task)));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const JoinTask& task,
                                            const std::stop_token&) {
    std::vector<quant::QuantizedModel> parts;
    for (const auto& key : task.parts) {
        parts.push_back(quant::quantized_from_bundle(folder_.cache().read("part", key)));
    }
    const auto joined = quant::join_parts(start_of(task.experiment, task.parent), parts);
    keep("artefact", unit, quant::to_bundle(joined, provenance(task)));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const FloatTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    const Lease images = lease(task.experiment, task.first, task.last);
    const LeaseLogits logits = run_lease(
        images,
        [&](const at::Tensor& x) {
            return nn::forward(loaded.model.graph, loaded.on_device, to_device(x)).to(at::kCPU);
        },
        stop);
    const auto records = judge(images, logits, logits.values);
    store::Bundle bundle{"logits", {{"first", task.first}, {"last", task.last}}, {}};
    const auto rows = static_cast<std::uint64_t>(task.last - task.first);
    bundle.arrays.push_back(
        {"logits", {rows, static_cast<std::uint64_t>(logits.classes)}, logits.values});
    keep("logits", unit, std::move(bundle));
    return encode(records);
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const GateTask& task,
                                            const std::stop_token&) {
    const DataUse& use = data(experiment(task.experiment).evaluation, Purpose::evaluation);
    std::size_t index = 0;
    std::int64_t right = 0;
    for (const auto& key : task.logits) {
        const store::Bundle lease = folder_.cache().read("logits", key);
        const auto& logits = lease.values<float>("logits");
        const auto classes = static_cast<std::size_t>(lease.find("logits")->shape.at(1));
        for (std::size_t first = 0; first < logits.size(); first += classes, ++index) {
            const std::span<const float> one(logits.data() + first, classes);
            right += metrics::top5(one)[0] == use.dataset->label(index) ? 1 : 0;
        }
    }
    if (const auto* wrong = contradicted(task.references, right)) {
        const Error error = float_error(task.subject, *wrong, right);
        if (study_.float_gate == config::FloatGate::stop) throw error;
        log_warning("{}", error.what());
    }
    keep("gate", unit, {"gate", {{"images", index}, {"top1", right}}, {}});
    return {};
}

quant::Simulation& StudyRunner::simulation(const EvaluateTask& task) {
    const auto found =
        std::find_if(simulations_.begin(), simulations_.end(),
                     [&](const Simulated& s) { return s.artefact == task.artefact; });
    if (found != simulations_.end()) {
        simulations_.splice(simulations_.begin(), simulations_, found);
        return *simulations_.front().simulation;
    }
    const LoadedModel& loaded = model(task.experiment);
    const quant::QuantizedModel quantized =
        quant::quantized_from_bundle(folder_.cache().read("artefact", task.artefact));
    simulations_.push_front({task.artefact, std::make_unique<quant::Simulation>(
                                                loaded.model.graph, loaded.on_device, quantized)});
    constexpr std::size_t most = 2;
    if (simulations_.size() > most) simulations_.pop_back();
    return *simulations_.front().simulation;
}

std::vector<std::byte> StudyRunner::perform(const Unit&, const EvaluateTask& task,
                                            const std::stop_token& stop) {
    quant::Simulation& simulated = simulation(task);
    const Lease images = lease(task.experiment, task.first, task.last);
    const LeaseLogits logits = run_lease(
        images,
        [&](const at::Tensor& x) {
            return nn::forward(simulated.graph(), simulated.parameters(), to_device(x), &simulated)
                .to(at::kCPU);
        },
        stop);
    const store::Bundle reference = folder_.cache().read("logits", task.logits);
    return encode(judge(images, logits, reference.values<float>("logits")));
}

}  // namespace aocq::engine
