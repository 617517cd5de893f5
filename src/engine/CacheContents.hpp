// SPDX-License-Identifier: Apache-2.0
// What lies in a folder of stages, for people who want to know and to tidy up. Removing a file is
// always safe: whoever needs it makes it again.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/StageCache.hpp"
#include "engine/Work.hpp"

namespace aocq::engine {

struct CachedFile {
    std::string kind, key;
    fs::path path;
    std::uint64_t bytes = 0;
    double age = 0;  // s since it was written
};

// Files of stages by kind and key; anything else in the folder is not ours and is left out.
std::vector<CachedFile> list_files(const StageCache& cache);

// Temporary files of writers that were killed: older than an hour, since younger ones may be in
// use.
std::vector<CachedFile> list_leftovers(const StageCache& cache);

// Keys of all files that the study's units make.
std::set<std::string> keys_of(const Work& work);

}  // namespace aocq::engine
