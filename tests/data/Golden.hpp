// SPDX-License-Identifier: Apache-2.0
// The files of tests/golden/data and what Pillow makes of them (expected.json, made by make.py).
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "core/Files.hpp"
#include "core/Json.hpp"
#include "core/Sha256.hpp"
#include "data/Decode.hpp"
#include "support/TestData.hpp"

namespace aocq::test {

inline fs::path golden_folder() {
    return source_folder() / "tests" / "golden" / "data";
}

inline Json golden_facts() {
    return parse_json(read_text(golden_folder() / "expected.json"), "expected.json");
}

inline data::Image golden_image(const std::string& name) {
    return data::decode_file(golden_folder() / name);
}

inline std::string pixels_sha256(const data::Image& image) {
    return sha256_hex(std::as_bytes(std::span(image.rgb)));
}

// The first bytes are only there to show how a wrong image is wrong.
inline void expect_facts(const data::Image& image, const Json& facts) {
    EXPECT_EQ(image.width, facts.at("width").get<int>());
    EXPECT_EQ(image.height, facts.at("height").get<int>());
    const auto first = facts.at("first").get<std::vector<int>>();
    ASSERT_GE(image.rgb.size(), first.size());
    EXPECT_EQ(std::vector<int>(image.rgb.begin(),
                               image.rgb.begin() + static_cast<std::ptrdiff_t>(first.size())),
              first);
    EXPECT_EQ(pixels_sha256(image), facts.at("sha256").get<std::string>());
}

}  // namespace aocq::test
