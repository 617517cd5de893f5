// SPDX-License-Identifier: Apache-2.0
#include "metrics/ImageResult.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/Error.hpp"
#include "metrics/Interval.hpp"

namespace aocq::metrics {

bool ImageResult::right_within_5() const {
    return std::find(top5.begin(), top5.end(), label) != top5.end();
}

Summary summarize(std::span<const ImageResult> results) {
    std::vector<const ImageResult*> order;
    for (const ImageResult& result : results) order.push_back(&result);
    std::sort(order.begin(), order.end(),
              [](const ImageResult* a, const ImageResult* b) { return a->index < b->index; });

    Summary summary;
    std::vector<double> divergences;
    for (const ImageResult* result : order) {
        AOCQ_EXPECT(summary.n == 0 ||
                    order[static_cast<std::size_t>(summary.n) - 1]->index < result->index);
        if (!std::isfinite(result->kl)) {
            throw Error::numeric("a divergence is not finite")
                .at("image", std::to_string(result->index));
        }
        ++summary.n;
        summary.top1 += result->right();
        summary.top5 += result->right_within_5();
        summary.agree += result->agrees;
        divergences.push_back(result->kl);
    }
    const Mean mean = mean_of(divergences);
    summary.kl_mean = mean.value;
    summary.kl_standard_error = mean.standard_error;
    return summary;
}

}  // namespace aocq::metrics
