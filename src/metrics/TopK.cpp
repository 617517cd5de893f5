// SPDX-License-Identifier: Apache-2.0
#include "metrics/TopK.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"

namespace aocq::metrics {

std::vector<std::int32_t> top_k(std::span<const float> logits, int k) {
    AOCQ_EXPECT(k >= 0);
    const auto limit = static_cast<std::size_t>(k);
    std::vector<std::int32_t> best;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (std::isnan(logits[i])) {
            throw Error::numeric("a logit is not a number").at("class", std::to_string(i));
        }
        // Strictly larger: an equal logit that came earlier keeps its place.
        const auto place = std::find_if(best.begin(), best.end(), [&](std::int32_t other) {
            return logits[i] > logits[static_cast<std::size_t>(other)];
        });
        if (place == best.end() && best.size() >= limit) continue;
        best.insert(place, static_cast<std::int32_t>(i));
        if (best.size() > limit) best.pop_back();
    }
    return best;
}

std::array<std::int32_t, 5> top5(std::span<const float> logits) {
    std::array<std::int32_t, 5> all;
    all.fill(-1);
    const auto best = top_k(logits, 5);
    std::copy(best.begin(), best.end(), all.begin());
    return all;
}

}  // namespace aocq::metrics
