// SPDX-License-Identifier: Apache-2.0
// What the binary says it was built from.
// The source digest is part of every stage key, so its form must not change unnoticed.
#include "core/BuildInfo.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aocq {
namespace {

TEST(BuildInfo, SourceDigestIsSixtyFourHexDigits) {
    EXPECT_EQ(source_digest().size(), 64U);
    EXPECT_EQ(source_digest().find_first_not_of("0123456789abcdef"), std::string_view::npos);
}

TEST(BuildInfo, VersionAndCompilerAreNamed) {
    EXPECT_EQ(std::string(version()).find_first_not_of("0123456789."), std::string::npos);
    EXPECT_FALSE(version().empty());
    EXPECT_TRUE(compiler().starts_with("g++ "));
    EXPECT_FALSE(build_type().empty());
}

}  // namespace
}  // namespace aocq
