// SPDX-License-Identifier: Apache-2.0
#include "support/TempFolder.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <string>

namespace aocq::test {

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "aocq-test-XXXXXX").string();
    if (!mkdtemp(name.data())) {
        ADD_FAILURE() << "cannot make a temporary folder";
        return;
    }
    path_ = name;
}

TempFolder::~TempFolder() {
    if (path_.empty()) return;
    if (testing::Test::HasFailure()) {
        std::fprintf(stderr, "kept for inspection: %s\n", path_.c_str());
        return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace aocq::test
