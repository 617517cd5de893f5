// SPDX-License-Identifier: Apache-2.0
// Environment variables in texts, and relative file paths made absolute.
#pragma once

#include <string>
#include <string_view>

#include "config/Origins.hpp"

namespace aocq::config {

// `${NAME}` replaced, `$${` left as `${`. Error(config) with variable and key for one that is not
// set and for `${` that no name and `}` follow.
std::string substituted(std::string_view text, const Environment& environment,
                        const std::string& key);

// Every text of the tree. `section` is where the tree's root stands in a study ("" for a study).
void substitute_all(PlacedTree& document, const Environment& environment,
                    const std::string& section);

}  // namespace aocq::config
