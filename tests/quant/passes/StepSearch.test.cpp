// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepSearch.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace aocq::quant {
namespace {

Quantizer start(int bits, float low, float high) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    return {"x", scheme, {grid_from_range(low, high, bits, Symmetry::asymmetric)}, true};
}

TEST(StepSearch, FindsARangeItWasNotStartedAt) {
    // The objective knows its best range.
    const auto objective = [](const Quantizer& q) {
        const Range range = range_of(q.grids.front(), q.scheme.bits);
        return std::pow(range.low + 2.0, 2) + std::pow(range.high - 3.0, 2);
    };
    const Quantizer from = start(8, -3.0F, 2.2F);
    const StepResult found = search_step(from, objective, 3);
    const Range range = range_of(found.quantizer.grids.front(), 8);
    EXPECT_NEAR(range.low, -2.0, 0.1);
    EXPECT_NEAR(range.high, 3.0, 0.12);
    EXPECT_LT(found.after, found.before);
    EXPECT_EQ(found.after, objective(found.quantizer));
}

TEST(StepSearch, NothingBetterLeavesTheQuantizer) {
    const Quantizer from = start(4, -1.0F, 1.0F);
    const auto objective = [&](const Quantizer& q) {
        return q.grids.front() == from.grids.front() ? 1.0 : 2.0;
    };
    const StepResult found = search_step(from, objective, 2);
    EXPECT_EQ(found.quantizer.grids.front(), from.grids.front());
    EXPECT_EQ(found.after, found.before);
}

TEST(StepSearch, DynamicQuantizerIsLeftAlone) {
    Quantizer from = start(8, -1.0F, 1.0F);
    from.scheme.mode = Mode::dynamic;
    from.grids.clear();
    const StepResult found = search_step(
        from,
        [](const Quantizer&) -> double {
            ADD_FAILURE();
            return 0;
        },
        2);
    EXPECT_TRUE(found.quantizer.grids.empty());
}

TEST(StepSearch, LogarithmicScaleIsSearched) {
    Quantizer from = start(4, 0.0F, 1.0F);
    from.scheme.codec = Codec::log2;
    from.grids = {{1.0F, 0}};
    const StepResult found = search_step(
        from, [](const Quantizer& q) { return std::abs(q.grids.front().scale - 0.71F); }, 2);
    EXPECT_NEAR(found.quantizer.grids.front().scale, 0.71F, 0.03F);
}

}  // namespace
}  // namespace aocq::quant
