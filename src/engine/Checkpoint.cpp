// SPDX-License-Identifier: Apache-2.0
#include "engine/Checkpoint.hpp"

#include "core/Log.hpp"
#include "quant/Artefact.hpp"
#include "store/Bundle.hpp"

namespace aocq::engine {
namespace {

constexpr std::chrono::seconds interval{5};

}  // namespace

Checkpoint::Checkpoint(std::filesystem::path file)
    : file_(std::move(file)), last_(std::chrono::steady_clock::now()) {}

std::optional<Checkpoint::State> Checkpoint::load() const {
    if (!std::filesystem::exists(file_)) return std::nullopt;
    try {
        const store::Bundle bundle = store::read_bundle(file_, "artefact");
        const Json& steps = bundle.attributes.at("provenance").at("steps");
        return State{steps.get<std::size_t>(), quant::quantized_from_bundle(bundle)};
    } catch (const std::exception& error) {
        log_warning("a checkpoint cannot be used, its stage starts anew: {}", error.what());
        return std::nullopt;
    }
}

void Checkpoint::offer(const quant::QuantizedModel& model, std::size_t steps) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < interval) return;
    try {
        store::write_bundle(file_, quant::to_bundle(model, {{"steps", steps}}));
    } catch (const Error& error) {
        log_warning("a stage goes on without a checkpoint: {}", error.what());
    }
    last_ = std::chrono::steady_clock::now();
}

void Checkpoint::remove() const {
    std::error_code ignored;  // what is left lying is only never read again
    std::filesystem::remove(file_, ignored);
}

}  // namespace aocq::engine
