// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BitAllocation.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/Random.hpp"

namespace aocq::quant {
namespace {

using Modules = std::vector<std::vector<WidthChoice>>;

// All combinations.
double least_loss(const Modules& modules, std::int64_t budget, std::size_t m = 0) {
    if (m == modules.size()) return 0;
    double least = std::numeric_limits<double>::infinity();
    for (const WidthChoice& choice : modules[m]) {
        if (choice.size > budget) continue;
        least = std::min(least, choice.loss + least_loss(modules, budget - choice.size, m + 1));
    }
    return least;
}

TEST(BitAllocation, FindsTheLeastLossOfAllCombinationsWithinTheBudget) {
    RandomStream stream(RandomKey(2).child("widths"));
    Modules modules(6);
    std::int64_t budget = 0;
    for (auto& choices : modules) {
        const std::int64_t size = 1 + static_cast<std::int64_t>(5 * stream.uniform());
        for (std::int64_t bits = 4; bits <= 8; ++bits)
            choices.push_back({size * bits, stream.uniform() / static_cast<double>(bits)});
        budget += size * 6;
    }
    for (const std::int64_t limit : {budget, budget - 7, budget + 11}) {
        const auto chosen = allocate_widths(modules, limit);
        std::int64_t size = 0;
        double loss = 0;
        for (std::size_t m = 0; m < modules.size(); ++m) {
            size += modules[m][chosen[m]].size;
            loss += modules[m][chosen[m]].loss;
        }
        EXPECT_LE(size, limit);
        EXPECT_DOUBLE_EQ(loss, least_loss(modules, limit));
    }
}

TEST(BitAllocation, TakesFromTheModuleThatFeelsLeast) {
    const std::vector<WidthChoice> dull{{4, 0.1}, {6, 0.05}, {8, 0.04}},
        keen{{4, 90.0}, {6, 20.0}, {8, 5.0}};
    EXPECT_EQ(allocate_widths({dull, keen}, 12), (std::vector<std::size_t>{0, 2}));
}

}  // namespace
}  // namespace aocq::quant
