// SPDX-License-Identifier: Apache-2.0
// What the plan points at, looked up once by one rank and told to all: fingerprints of weights, sizes and fingerprints
// of datasets. Together with the study they determine every key, so ranks never disagree about a unit.
#pragma once

#include "config/Study.hpp"
#include "core/Json.hpp"

namespace aocq::engine {

// {"models": {<canonical section>: {"weights": hex}}, "data": {<canonical section>: {"size", "fingerprint", "classes"}}}
// Also checks everything it touches: weights against the graph, labels against the model's classes, method and rules.
Json gather_facts(const config::Study& study);

}  // namespace aocq::engine
