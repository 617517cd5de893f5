// SPDX-License-Identifier: Apache-2.0
// Small text helpers shared by messages and tables.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aocq {

std::string join(std::span<const std::string> parts, std::string_view separator);

// The candidate with the smallest edit distance, or "" where none is near enough to be a slip of
// the pen.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

// Shell-style match of a whole name: '*' any run of characters (dots too), '?' one character.
bool glob_match(std::string_view pattern, std::string_view name);

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);

// Width on a terminal: code points, not bytes.
std::size_t display_width(std::string_view utf8);

// "1.5 MiB"
std::string human_bytes(std::uint64_t bytes);
// "1 h 02 min", "42 s"; "?" for what is negative or not finite
std::string human_seconds(double seconds);

}  // namespace aocq
