// SPDX-License-Identifier: Apache-2.0
// Activation statistics of a model after its passes rewrote it, on the images and in the layout of
// those before: what balancing did to the outliers.
#pragma once

#include <cstddef>

#include "app/Results.hpp"
#include "store/Statistics.hpp"

namespace aocq::app {

// Runs the float model with the equivalent rewrites of the experiment's artefact over its
// calibration images, which takes as long as collecting did. The artefact must be there.
store::StatisticsFile balanced_statistics(const OpenedStudy& opened, std::size_t experiment);

}  // namespace aocq::app
