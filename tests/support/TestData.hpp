// SPDX-License-Identifier: Apache-2.0
// Where tests find files: the source tree, the build tree and, if it is there, the real data.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace aocq::test {

std::filesystem::path source_folder();  // the project's root
std::filesystem::path binary_folder();  // the build folder

// Real weights and images: AOCQ_DATA, else ../shared/data beside the project, else nothing.
std::optional<std::filesystem::path> real_data();

}  // namespace aocq::test

// Leaves the test visibly skipped where there is no real data.
#define AOCQ_REAL_DATA_OR_SKIP(name)                                                           \
    const auto name##_found = ::aocq::test::real_data();                                       \
    if (!name##_found)                                                                         \
        GTEST_SKIP() << "no real data: set AOCQ_DATA to a folder with weights/ and imagenet/"; \
    const std::filesystem::path name = *name##_found
