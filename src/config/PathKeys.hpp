// SPDX-License-Identifier: Apache-2.0
// Which keys hold names of files or folders: the one list of them.
#pragma once

#include <string>
#include <string_view>

#include "core/Json.hpp"

namespace aocq::config {

bool is_path_key(std::string_view key_path);

// The key that the text at `path` is a value of: itself, or for the values of an axis or the
// conditions of an exclude the key that they are for.
std::string assigned_key(const Json& tree, std::string_view path);

}  // namespace aocq::config
