// SPDX-License-Identifier: Apache-2.0
#include "metrics/McNemar.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "core/Error.hpp"

namespace aocq::metrics {
namespace {

// log of C(n, k) / 2^n, by k ≤ n/2 factors.
double log_half_binomial(std::int64_t n, std::int64_t k) {
    double sum = -static_cast<double>(n) * std::log(2.0);
    for (std::int64_t i = 1; i <= k; ++i) {
        sum += std::log(static_cast<double>(n - k + i) / static_cast<double>(i));
    }
    return sum;
}

}  // namespace

McNemar mcnemar(std::int64_t only_first, std::int64_t only_second) {
    AOCQ_EXPECT(only_first >= 0 && only_second >= 0);
    McNemar test{only_first, only_second, 1, 1};
    const std::int64_t n = only_first + only_second;
    const std::int64_t least = std::min(only_first, only_second);
    if (only_first == only_second) return test;  // both p are 1 by symmetry
    const double observed = std::exp(log_half_binomial(n, least));
    // P(X = k−1) = P(X = k) · k / (n−k+1), from the observed count down.
    double tail = 0, term = observed;
    for (std::int64_t k = least; k >= 0; --k) {
        tail += term;
        term *= static_cast<double>(k) / static_cast<double>(n - k + 1);
    }
    test.exact = std::min(1.0, 2 * tail);
    test.mid_p = std::min(1.0, 2 * tail - observed);
    return test;
}

McNemar mcnemar(std::span<const ImageResult> first, std::span<const ImageResult> second) {
    std::unordered_map<std::uint32_t, const ImageResult*> others;
    for (const ImageResult& result : second) others.emplace(result.index, &result);
    if (first.size() != second.size() || others.size() != second.size()) {
        throw Error::input("two results are not over the same images")
            .advise("compare experiments of one study")
            .found(std::to_string(second.size()))
            .wanted(std::to_string(first.size()));
    }
    std::int64_t only_first = 0, only_second = 0;
    for (const ImageResult& result : first) {
        const auto found = others.find(result.index);
        if (found == others.end() || found->second->label != result.label) {
            throw Error::input("two results are not over the same images")
                .advise("compare experiments of one study")
                .at("image", std::to_string(result.index));
        }
        const bool other_right = found->second->right();
        others.erase(found);  // an index that comes twice finds nothing
        only_first += result.right() && !other_right;
        only_second += !result.right() && other_right;
    }
    return mcnemar(only_first, only_second);
}

}  // namespace aocq::metrics
