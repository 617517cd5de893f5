// SPDX-License-Identifier: Apache-2.0
// Folders of images, read in an order that no file system decides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace aocq::data {

std::string lower_case(std::string_view text);  // A-Z only

bool is_image_name(std::string_view name);  // ends in .jpg, .jpeg or .png, in any case

// Names of the files and folders in a folder, bytewise sorted, without those that start with a dot.
// Error::input where it cannot be read.
std::vector<std::string> sorted_names(const std::filesystem::path& folder);

std::uint64_t file_bytes(const std::filesystem::path& file);  // Error::input where it has none

}  // namespace aocq::data
