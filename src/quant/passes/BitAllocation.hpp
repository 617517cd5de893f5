// SPDX-License-Identifier: Apache-2.0
// Which width each module of a model gets, so that what is lost in all is least within a budget
// (METHODS 3.3).
#pragma once

#include <cstdint>
#include <vector>

namespace aocq::quant {

struct WidthChoice {
    std::int64_t size = 0;  // bits of storage
    double loss = 0;
};

// One choice per module by index; of every size only the least loss is kept (the Pareto front), so
// the result is exact. Ties go to the smaller size, then to the earlier choice. The smallest
// choices together must fit into the budget.
std::vector<std::size_t> allocate_widths(const std::vector<std::vector<WidthChoice>>& modules,
                                         std::int64_t budget);

}  // namespace aocq::quant
