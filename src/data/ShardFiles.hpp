// SPDX-License-Identifier: Apache-2.0
// Which files a dataset of shards consists of.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace aocq::data {

// "val-{000000..000009}.tar" as ten names, "{a,b}" as two; several braces multiply. A number keeps
// the zeros in front of its range's first. Error::config for a brace that is neither.
std::vector<std::string> expand_braces(const std::string& pattern);

// A folder: its .tar files. A file: itself. Anything else: its braces expanded. Error::input where
// a shard is missing or there is none.
std::vector<std::filesystem::path> find_shards(const std::filesystem::path& shards);

}  // namespace aocq::data
