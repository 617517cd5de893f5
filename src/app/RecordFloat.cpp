// SPDX-License-Identifier: Apache-2.0
#include "app/RecordFloat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Log.hpp"
#include "core/Progress.hpp"
#include "engine/DataUse.hpp"
#include "engine/Evaluate.hpp"
#include "engine/FloatGate.hpp"
#include "nn/Autograd.hpp"
#include "nn/Numerics.hpp"

namespace aocq::app {
namespace {

constexpr std::string_view head =
    "# What float models get right, counted by 'aocq validate --record-float'. Studies whose "
    "float\n"
    "# model differs by more than the tolerance stop. Whoever adds a count vouches for it.\n";

// Images whose first prediction is the label.
std::int64_t count_right(const config::Experiment& experiment, nn::DeviceChoice device) {
    const nn::NoGradients scope;
    const nn::Model model = nn::load_model(nn::model_spec_from(Fields(experiment.model, "model")));
    nn::Parameters parameters;
    for (const auto& [name, tensor] : model.parameters)
        parameters[name] = tensor.to(nn::to_device(device));
    const auto forward = [&](const at::Tensor& images) {
        return nn::forward(model.graph, parameters, images.to(nn::to_device(device))).to(at::kCPU);
    };
    const engine::DataUse use =
        engine::open_data(experiment.evaluation, engine::Purpose::evaluation);
    Progress progress("images", static_cast<std::uint64_t>(use.images));
    std::int64_t right = 0;
    for (std::int64_t first = 0; first < use.images; first += use.lease) {
        const std::int64_t last = std::min(first + use.lease, use.images);
        const engine::Lease lease{*use.dataset, model.spec.preprocess, first, last, use.batch};
        const auto logits = engine::run_lease(lease, forward, {});
        for (const auto& record : engine::judge(lease, logits, logits.values))
            right += record.right() ? 1 : 0;
        progress.update(static_cast<std::uint64_t>(last), "");
    }
    return right;
}

}  // namespace

void record_float(const config::Study& study, const Json& facts, const fs::path& file) {
    const engine::FloatCounts counts(study.float_counts);
    const nn::DeviceChoice device = nn::choose_device(study.run.device, 0);
    nn::set_numerics(study.run.threads);
    const std::string source = fmt::format("aocq validate --record-float, {}",
                                           nn::numerics_class(device, study.run.threads));
    std::string added;
    for (const auto& experiment : study.experiments) {
        if (!experiment.bits.is_float()) continue;
        const engine::FloatSubject subject = engine::float_subject(experiment, facts);
        const auto known = counts.references(subject);
        const std::int64_t top1 = count_right(experiment, device);
        log_info("{}: {} of {} images right", subject.model, top1, subject.images);
        if (const auto* wrong = engine::contradicted(known, top1))
            throw engine::float_error(subject, *wrong, top1);
        const bool counted = std::any_of(known.begin(), known.end(), [](const auto& reference) {
            return reference.kind == engine::FloatSource::counted;
        });
        if (!counted) {
            added += engine::count_table(subject, top1, source);
        } else {
            log_info("{}: agrees with what is known, not recorded again", subject.model);
        }
    }
    if (added.empty()) return;
    const std::string before = fs::exists(file) ? read_text(file) : std::string(head);
    write_text(file, before + added);
    log_info("recorded in {}", file.string());
}

}  // namespace aocq::app
