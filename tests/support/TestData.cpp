// SPDX-License-Identifier: Apache-2.0
#include "support/TestData.hpp"

#include <cstdlib>

namespace aocq::test {
// Set by CMake for this file.
std::filesystem::path source_folder() {
    return AOCQ_SOURCE_DIR;
}
std::filesystem::path binary_folder() {
    return AOCQ_BINARY_DIR;
}

std::optional<std::filesystem::path> real_data() {
    if (const char* value = std::getenv("AOCQ_DATA");
        value && std::filesystem::is_directory(value)) {
        return value;
    }
    const auto beside = source_folder() / ".." / "shared" / "data";
    if (std::filesystem::is_directory(beside)) return std::filesystem::canonical(beside);
    return std::nullopt;
}

}  // namespace aocq::test
