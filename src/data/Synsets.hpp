// SPDX-License-Identifier: Apache-2.0
// The list that fixes which class has which index: one class a line, its first word is the name.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace aocq::data {

// Name to index. Throws Error::input for a missing or empty file and for a name that comes twice.
std::map<std::string, int> read_synsets(const std::filesystem::path& file);

}  // namespace aocq::data
