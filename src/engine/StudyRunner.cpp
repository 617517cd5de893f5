// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyRunner.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/Checkpoint.hpp"
#include "engine/ImageRecords.hpp"
#include "nn/Autograd.hpp"
#include "quant/Artefact.hpp"
#include "quant/Collect.hpp"
#include "quant/Recipe.hpp"
#include "store/Statistics.hpp"

namespace aocq::engine {

struct StudyRunner::LoadedModel {
    nn::Model model;
    nn::Parameters on_device;
    std::vector<quant::Site> sites;
};

StudyRunner::StudyRunner(const config::Study& study, const Work& work, const StudyFolder& folder,
                         nn::DeviceChoice device)
    : study_(study), work_(work), folder_(folder), device_(device) {}
StudyRunner::~StudyRunner() = default;

void StudyRunner::prepare() {
    nn::set_numerics(study_.run.threads);
}

std::vector<std::byte> StudyRunner::run(const Unit& unit, std::stop_token stop) {
    const nn::NoGradients scope;
    return std::visit([&](const auto& task) { return perform(unit, task, stop); },
                      work_.tasks[unit.index]);
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

std::vector<std::uint32_t> StudyRunner::drawn(int index) {
    const DataUse& use = data(experiment(index).calibration, Purpose::calibration);
    return calibration_images(use.dataset->size(), use.images, experiment(index).seed);
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
    const DataUse& use = data(experiment(index).calibration, Purpose::calibration);
    const auto all = drawn(index);
    for_each_batch(*use.dataset, model(index).model.spec.preprocess,
                   {all.begin() + first, all.begin() + last}, use.batch,
                   [&](const at::Tensor& images, std::int64_t position) {
                       if (stop.stop_requested()) throw Stopped();
                       use_batch(to_device(images), first + position);
                   });
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const CollectTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    quant::Collector collector(loaded.model.graph, loaded.on_device,
                               {.seed = experiment(task.experiment).seed});
    for_each_calibration_batch(
        task.experiment, task.first, task.last, stop,
        [&](const at::Tensor& images, std::int64_t first) { collector.add(images, first); });
    const store::StatisticsFile chunk{{{"first", task.first}, {"last", task.last}},
                                      collector.result()};
    store::write_bundle(folder_.cache("chunk", unit.key), store::to_bundle(chunk));
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
    store::write_bundle(
        folder_.cache("sensitivity", unit.key),
        quant::to_bundle(meter.result(), {{"first", task.first}, {"last", task.last}}));
    return {};
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const MergeTask& task,
                                            const std::stop_token&) {
    std::vector<std::vector<store::SiteStatistics>> chunks;
    for (const auto& key : task.chunks) {
        chunks.push_back(store::statistics_from_bundle(
                             store::read_bundle(folder_.cache("chunk", key), "statistics"))
                             .sites);
    }
    const LoadedModel& loaded = model(task.experiment);
    const DataUse& use = data(experiment(task.experiment).calibration, Purpose::calibration);
    const store::StatisticsFile merged{
        {{"model", work_.experiments[static_cast<std::size_t>(task.experiment)].model_name},
         {"weights", loaded.model.fingerprint},
         {"images", use.images},
         {"dataset", use.dataset->fingerprint()},
         {"seed", experiment(task.experiment).seed}},
        quant::merge_chunks(chunks)};
    store::write_bundle(folder_.cache("statistics", unit.key), store::to_bundle(merged));
    return {};
}

quant::QuantizedModel StudyRunner::start_of(const PassTask& task) {
    if (!task.parent.empty()) {
        return quant::quantized_from_bundle(
            store::read_bundle(folder_.cache("artefact", task.parent), "artefact"));
    }
    quant::QuantizedModel fresh;
    fresh.quantization =
        quant::Quantization(model(task.experiment).sites,
                            work_.experiments[static_cast<std::size_t>(task.experiment)].schemes);
    return fresh;
}

std::vector<std::byte> StudyRunner::perform(const Unit& unit, const PassTask& task,
                                            const std::stop_token& stop) {
    const LoadedModel& loaded = model(task.experiment);
    const config::Experiment& wanted = experiment(task.experiment);
    const store::StatisticsFile statistics = store::statistics_from_bundle(
        store::read_bundle(folder_.cache("statistics", task.statistics), "statistics"));
    const quant::Recipe recipe =
        quant::recipe_from(Fields(wanted.method, "method"), loaded.model.graph);
    const quant::Stage& stage = recipe.stages[task.stage];

    std::vector<quant::Sensitivity> chunks;
    for (const auto& key : task.sensitivity) {
        chunks.push_back(quant::sensitivity_from_bundle(
            store::read_bundle(folder_.cache("sensitivity", key), "sensitivity")));
    }
    const quant::Sensitivity sensitivity =
        chunks.empty() ? quant::Sensitivity() : quant::join_chunks(chunks);
    quant::BlockWalk walk(loaded.model.graph, loaded.on_device, [&](const auto& use_batch) {
        const DataUse& use = data(wanted.calibration, Purpose::calibration);
        for_each_calibration_batch(
            task.experiment, 0, use.images, stop,
            [&](const at::Tensor& images, std::int64_t) { use_batch(images); });
    });
    const quant::PassContext context{.graph = loaded.model.graph,
                                     .parameters = loaded.on_device,
                                     .sites = loaded.sites,
                                     .statistics = statistics,
                                     .walk = &walk,
                                     .sensitivity = &sensitivity,
                                     .seed = wanted.seed,
                                     .may_stop = [&] {
                                         if (stop.stop_requested()) throw Stopped();
                                     }};
    const Json provenance = {
        {"model", work_.experiments[static_cast<std::size_t>(task.experiment)].model_name},
        {"weights", loaded.model.fingerprint},
        {"statistics", task.statistics},
        {"parent", task.parent},
        {"stage", stage.describe()}};

    Checkpoint checkpoint(folder_.cache("checkpoint", unit.key));
    quant::QuantizedModel quantized;
    std::size_t done = 0;
    if (auto saved = checkpoint.load()) {
        done = saved->steps;
        quantized = std::move(saved->model);
    } else {
        quantized = start_of(task);
    }
    quant::run_steps(stage, done, context, quantized, [&](std::size_t steps) {
        if (steps < stage.steps.size()) checkpoint.offer(quantized, steps);
    });
    store::write_bundle(folder_.cache("artefact", unit.key),
                        quant::to_bundle(quantized, provenance));
    checkpoint.remove();
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
    store::write_bundle(folder_.cache("logits", unit.key), bundle);
    return encode(records);
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
    const quant::QuantizedModel quantized = quant::quantized_from_bundle(
        store::read_bundle(folder_.cache("artefact", task.artefact), "artefact"));
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
    const store::Bundle reference =
        store::read_bundle(folder_.cache("logits", task.logits), "logits");
    return encode(judge(images, logits, reference.values<float>("logits")));
}

}  // namespace aocq::engine
