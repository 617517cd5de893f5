// SPDX-License-Identifier: Apache-2.0
// Names of files that are being written, and what killed writers leave of them.
#pragma once

#include <filesystem>

namespace aocq {

// Beside `file`, new at every call: ".<file>.<host>.<process>.<count>.part".
std::filesystem::path temporary_name(const std::filesystem::path& file);

// Removes the temporary files in `folder` and below whose writers on this host live no more. Those
// of living processes and of other hosts stay; what cannot be removed stays too.
void remove_abandoned(const std::filesystem::path& folder);

}  // namespace aocq
