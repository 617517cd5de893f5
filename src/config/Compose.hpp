// SPDX-License-Identifier: Apache-2.0
// A file together with everything that it extends.
#pragma once

#include <filesystem>

#include "config/Origins.hpp"

namespace aocq::config {

// Text is returned as written; only the names in `extends` have their `${NAME}` replaced already.
// The key `extends` itself is gone. Errors: config for a cycle (field "chain"), for more than 16
// levels or 256 files, for a file that is not there; input for what cannot be read or exceeds 1
// MiB.
PlacedTree compose(const std::filesystem::path& file, const Environment& environment);

}  // namespace aocq::config
