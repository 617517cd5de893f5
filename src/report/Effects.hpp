// SPDX-License-Identifier: Apache-2.0
// What each switch of a method changes, over a full factorial (DESIGN §3.6): the main effect of a
// switch is the mean over all settings of the others of "with it" less "without it"; the
// interaction of two is half of how much one's effect differs with and without the other. Both are
// worked out image by image, so that images which are right or wrong everywhere add nothing to the
// interval.
#pragma once

#include <span>

#include "report/Table.hpp"

namespace aocq::report {

// spec.effects names the axis, whose values are lists of switches; rows and columns are other axes.
// Seeds are averaged per image. A cell is the effect ± the half width of its 95 % interval over
// images (normal); "—" where an experiment of the factorial is missing or has not finished. Metrics
// that no image has (memory) are an Error(config). Rows need their images (ResultRow.hpp).
Table build_effects(const config::TableSpec& spec, std::span<const ResultRow> rows);

}  // namespace aocq::report
