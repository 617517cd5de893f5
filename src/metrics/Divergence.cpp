// SPDX-License-Identifier: Apache-2.0
#include "metrics/Divergence.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

// log softmax(x) at i is (x_i − maximum) − log_sum: no exponential overflows, and a constant added
// to all logits drops out before it can cost digits.
struct LogSoftmax {
    double maximum = 0;
    double log_sum = 0;  // of exp(x − maximum)

    explicit LogSoftmax(std::span<const float> logits) {
        for (std::size_t i = 0; i < logits.size(); ++i) {
            if (!std::isfinite(logits[i])) {
                throw Error::numeric("a logit is not finite").at("class", std::to_string(i));
            }
        }
        maximum = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float logit : logits) sum += std::exp(logit - maximum);
        log_sum = std::log(sum);
    }
    double operator()(float logit) const { return (logit - maximum) - log_sum; }
};

}  // namespace

double kl_divergence(std::span<const float> reference, std::span<const float> other) {
    AOCQ_EXPECT(!reference.empty() && reference.size() == other.size());
    const LogSoftmax p(reference), q(other);
    double sum = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const double log_p = p(reference[i]);
        const double log_q = q(other[i]);
        sum += std::exp(log_p) * (log_p - log_q);
    }
    return std::max(sum, 0.0);  // rounding can leave a sum of -1e-17
}

}  // namespace aocq::metrics
