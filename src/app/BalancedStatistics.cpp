// SPDX-License-Identifier: Apache-2.0
#include "app/BalancedStatistics.hpp"

#include <algorithm>

#include "engine/CalibrationImages.hpp"
#include "engine/dispatch/UnitRunner.hpp"
#include "nn/Autograd.hpp"
#include "nn/Model.hpp"
#include "nn/Numerics.hpp"
#include "quant/Artefact.hpp"
#include "quant/Collect.hpp"
#include "store/Bundle.hpp"

namespace aocq::app {

store::StatisticsFile balanced_statistics(const OpenedStudy& opened, std::size_t index) {
    const config::Experiment& experiment = opened.study.experiments[index];
    const auto& work = opened.work.experiments[index];
    const quant::QuantizedModel quantized = quant::quantized_from_bundle(
        store::read_bundle(opened.folder.cache().file("artefact", work.artefact_key), "artefact"));
    const nn::NoGradients scope;
    nn::set_numerics(opened.study.run.threads);
    const nn::Model model = nn::load_model(nn::model_spec_from(Fields(experiment.model, "model")));
    const nn::Graph graph = nn::edited(model.graph, quantized.edits);
    const nn::Parameters parameters = quant::teacher_parameters(model.parameters, quantized);

    const engine::DataUse use =
        engine::open_data(experiment.calibration, engine::Purpose::calibration);
    const engine::CalibrationSource source{use, model.spec.preprocess, experiment.seed,
                                           work.synthetic, opened.folder.cache()};
    // Chunk by chunk as the statistics before were collected, so that the two differ in nothing
    // but the rewrites.
    const auto outputs = quant::fitted_outputs(quant::list_sites(model.graph), work.schemes);
    std::vector<std::vector<store::SiteStatistics>> chunks;
    for (std::int64_t first = 0; first < use.images; first += use.chunk) {
        const std::int64_t last = std::min<std::int64_t>(first + use.chunk, use.images);
        quant::Collector collector(graph, parameters,
                                   {.seed = experiment.seed, .outputs = outputs});
        try {
            engine::for_each_calibration_batch(source, first, last,
                                               [&](const at::Tensor& images, std::int64_t number) {
                                                   collector.add(images, number);
                                               });
        } catch (const engine::StaleInput& missing) {
            throw missing.error;
        }
        chunks.push_back(collector.result());
    }
    return {{{"model", work.model_name},
             {"weights", model.fingerprint},
             {"images", use.images},
             {"dataset", use.fingerprint()},
             {"seed", experiment.seed},
             {"artefact", work.artefact_key}},
            quant::merge_chunks(chunks)};
}

}  // namespace aocq::app
