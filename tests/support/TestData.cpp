// SPDX-License-Identifier: Apache-2.0
#include "support/TestData.hpp"

#include <cstdlib>

namespace aocq::test {
namespace {

std::filesystem::path from_environment(const char* name, const char* fallback) {
    const char* value = std::getenv(name);
    return value ? value : fallback;
}

}  // namespace

std::filesystem::path source_folder() {
    return from_environment("AOCQ_SOURCE_DIR", ".");
}
std::filesystem::path binary_folder() {
    return from_environment("AOCQ_BINARY_DIR", "build");
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
