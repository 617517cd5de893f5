// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/BitAllocation.hpp"

#include <algorithm>
#include <limits>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

struct State {
    std::int64_t size;
    double loss;
    std::size_t before, choice;  // the state that it goes on from, and how
};

std::vector<State> pareto_front(std::vector<State> states) {
    std::stable_sort(states.begin(), states.end(), [](const State& a, const State& b) {
        return a.size != b.size ? a.size < b.size : a.loss < b.loss;
    });
    std::vector<State> front;
    for (const State& state : states) {
        if (front.empty() || state.loss < front.back().loss) front.push_back(state);
    }
    return front;
}

}  // namespace

std::vector<std::size_t> allocate_widths(const std::vector<std::vector<WidthChoice>>& modules,
                                         std::int64_t budget) {
    std::vector<std::vector<State>> fronts{{{0, 0.0, 0, 0}}};
    for (const auto& choices : modules) {
        std::vector<State> next;
        for (std::size_t s = 0; s < fronts.back().size(); ++s) {
            const State& state = fronts.back()[s];
            for (std::size_t c = 0; c < choices.size(); ++c) {
                const std::int64_t size = state.size + choices[c].size;
                if (size <= budget) next.push_back({size, state.loss + choices[c].loss, s, c});
            }
        }
        AOCQ_EXPECT(!next.empty());
        fronts.push_back(pareto_front(std::move(next)));
    }
    std::vector<std::size_t> chosen(modules.size());
    std::size_t at = fronts.back().size() - 1;  // the largest has the least loss
    for (std::size_t m = modules.size(); m-- > 0;) {
        const State& state = fronts[m + 1][at];
        chosen[m] = state.choice;
        at = state.before;
    }
    return chosen;
}

}  // namespace aocq::quant
