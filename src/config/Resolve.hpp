// SPDX-License-Identifier: Apache-2.0
// The sections of one experiment: what its axes assign and what `use` takes in, merged.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/Axes.hpp"
#include "config/Document.hpp"

namespace aocq::config {

struct Resolved {
    // bits, seed, model, data.{calibration,evaluation}, method, rule; absent where the study has
    // none.
    Json sections;
    std::map<std::string, std::string> uses;
};

// Order: assignments to `use`, the files that they name underneath the sections, all other
// assignments. The parent of an assigned key must exist.
Resolved resolve(const Document& document, const std::vector<Axis>& axes,
                 const Coordinates& coordinates);

}  // namespace aocq::config
