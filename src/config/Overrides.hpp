// SPDX-License-Identifier: Apache-2.0
// Values given on the command line: --set a.b=c.
#pragma once

#include <string>
#include <vector>

#include "config/Origins.hpp"

namespace aocq::config {

// Missing tables are made on the way; an index ("axis[0].values") must exist. Error(usage) for what
// is not key=value, Error(config) for a path that leads through something that is not a table.
void apply_overrides(PlacedTree& document, const std::vector<std::string>& overrides);

}  // namespace aocq::config
