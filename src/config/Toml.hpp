// SPDX-License-Identifier: Apache-2.0
// TOML text to JSON with the place of every key; the only door to the TOML library.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/Origins.hpp"

namespace aocq::config {

// Error(config) with file, line and column for text that is not TOML, for dates and times, for
// numbers that are not finite and for nesting beyond 32 levels. `file` names the text in messages.
PlacedTree parse_toml(std::string_view text, const std::string& file);

// One value in TOML syntax; nullopt where the text is not exactly that.
std::optional<Json> parse_toml_value(std::string_view text);

}  // namespace aocq::config
