// SPDX-License-Identifier: Apache-2.0
// aocq inspect STUDY: the scope of one experiment, and what it makes of the model's size and work.
#pragma once

#include "config/Study.hpp"

namespace aocq::app {

enum class InspectView {
    sites,  // every place where a tensor may be quantized
    nodes,  // every node with its multiplications, parameters and activations
};

// `index` is that of the plan; below 0: the first quantized experiment.
int inspect_study(const config::Study& study, int index, InspectView view, bool as_json);

}  // namespace aocq::app
