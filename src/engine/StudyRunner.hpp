// SPDX-License-Identifier: Apache-2.0
// What a rank computes: the units of one study, one at a time, on its worker thread. Models,
// datasets, the last statistics and sensitivity, and the last simulations stay in memory between
// units.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/DataUse.hpp"
#include "engine/Evaluate.hpp"
#include "engine/StageInputs.hpp"
#include "engine/StudyFolder.hpp"
#include "engine/Work.hpp"
#include "engine/dispatch/UnitRunner.hpp"
#include "nn/Model.hpp"
#include "nn/Numerics.hpp"
#include "quant/BlockWalk.hpp"
#include "quant/Recipe.hpp"
#include "quant/Simulate.hpp"

namespace aocq::engine {

class StudyRunner : public UnitRunner {
  public:
    // All references must outlive the runner.
    // `memory`: bytes that calibration images between blocks may take before they go to a file; 0:
    // any number.
    StudyRunner(const config::Study& study, const Work& work, const StudyFolder& folder,
                nn::DeviceChoice device, std::uint64_t memory = 0);
    ~StudyRunner() override;

    void prepare() override;
    std::vector<std::byte> run(const Unit& unit, std::stop_token stop) override;

  private:
    struct LoadedModel;
    struct Walk {
        std::string key;  // "" for a whole stage's, which no other unit goes on with
        quant::BlockWalk walk;
    };
    struct Simulated {
        std::string artefact;
        std::unique_ptr<quant::Simulation> simulation;
    };

    std::vector<std::byte> perform(const Unit& unit, const SynthesisTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const CollectTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const MergeTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const SensitivityTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const PassTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const PartTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const JoinTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const FloatTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const GateTask& task,
                                   const std::stop_token& stop);
    std::vector<std::byte> perform(const Unit& unit, const EvaluateTask& task,
                                   const std::stop_token& stop);

    void keep(std::string_view kind, const Unit& unit, store::Bundle bundle) const;
    const config::Experiment& experiment(int index) const;
    const LoadedModel& model(int experiment);
    const DataUse& data(const Json& section, Purpose purpose);
    // Calibration images [first, last) of the drawn ones, in batches on the device.
    void for_each_calibration_batch(
        int experiment, std::int64_t first, std::int64_t last, const std::stop_token& stop,
        const std::function<void(const at::Tensor&, std::int64_t)>& use);
    quant::QuantizedModel start_of(int experiment, const std::string& parent);
    enum class WalkStart { fresh, continued };
    quant::BlockWalk& walk(int experiment, WalkStart start);
    // Calls `use` with the task's stage and all that its passes may ask for.
    template <class StageTask>
    void in_stage(const StageTask& task, WalkStart start,
                  const std::function<void(const quant::Stage&, const quant::PassContext&)>& use);
    template <class StageTask>
    Json provenance(const StageTask& task);
    quant::Simulation& simulation(const EvaluateTask& task);
    Lease lease(int experiment, std::int64_t first, std::int64_t last);
    at::Tensor to_device(const at::Tensor& images) const;

    const config::Study& study_;
    const Work& work_;
    const StudyFolder& folder_;
    nn::DeviceChoice device_;
    std::uint64_t memory_;
    std::map<std::string, std::unique_ptr<LoadedModel>> models_;
    std::map<std::string, DataUse> data_;
    StageInputs inputs_;
    std::optional<Walk> walk_;          // behind models_, whose graphs it reads
    std::stop_token stop_;              // of the unit that runs
    std::list<Simulated> simulations_;  // most recent first, at most two
};

}  // namespace aocq::engine
