// SPDX-License-Identifier: Apache-2.0
#include "engine/StageInputs.hpp"

namespace aocq::engine {

// A key is taken over last: what could not be read is not held.
void StageInputs::hold(const StageCache& cache, const std::string& statistics,
                       const std::vector<std::string>& sensitivity) {
    if (statistics != statistics_key_) {
        statistics_key_.clear();
        statistics_ = {};
        statistics_ = store::statistics_from_bundle(cache.read("statistics", statistics));
        statistics_key_ = statistics;
    }
    if (sensitivity == sensitivity_keys_) return;
    sensitivity_keys_.clear();
    sensitivity_ = {};
    std::vector<quant::Sensitivity> chunks;
    for (const auto& key : sensitivity)
        chunks.push_back(quant::sensitivity_from_bundle(cache.read("sensitivity", key)));
    if (!chunks.empty()) sensitivity_ = quant::join_chunks(chunks);
    sensitivity_keys_ = sensitivity;
}

}  // namespace aocq::engine
