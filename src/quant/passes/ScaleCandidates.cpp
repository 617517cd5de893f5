// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ScaleCandidates.hpp"

#include <algorithm>

#include "quant/kernels/TwinQuant.hpp"

namespace aocq::quant {
namespace {

Grid scaled(Grid grid, double factor) {
    grid.scale = static_cast<float>(std::clamp(grid.scale * factor, 0x1p-126, 0x1p126));
    return grid;
}

}  // namespace

std::vector<std::vector<Grid>> scale_candidates(const Quantizer& now,
                                                const std::vector<Grid>& start, const Site& site,
                                                const std::vector<double>& factors) {
    std::vector<std::vector<Grid>> all{now.grids};
    if (is_twin(now.scheme.codec) && site.kind == SiteKind::attention_probability) {
        for (int split = 0; split < twin_splits; ++split) {
            const TwinGrid grid = twin_of_probabilities(split, now.scheme.bits);
            all.push_back({grid.lower, grid.upper});
        }
        return all;
    }
    const std::size_t first = is_twin(now.scheme.codec) ? 1 : 0;
    for (const double factor : factors) {
        std::vector<Grid>& grids = all.emplace_back(start);
        for (std::size_t i = first; i < grids.size(); ++i) grids[i] = scaled(grids[i], factor);
    }
    return all;
}

}  // namespace aocq::quant
