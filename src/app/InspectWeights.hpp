// SPDX-License-Identifier: Apache-2.0
// aocq inspect --weights FILE: what is in a file of weights.
#pragma once

#include <filesystem>

namespace aocq::app {

int inspect_weights(const std::filesystem::path& file, bool as_json);

}  // namespace aocq::app
