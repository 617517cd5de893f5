// SPDX-License-Identifier: Apache-2.0
// A text file of "path,label" or "path label" lines; the order of the lines is the order of the
// images.
#pragma once

#include <filesystem>

#include "data/FileDataset.hpp"

namespace aocq::data {

class CsvList : public FileDataset {
  public:
    // Paths are relative to `root` and cannot leave it. A label is an index or, with `synsets` (may
    // be empty), a class name. A first line whose label is neither is a header. Every file must
    // exist.
    CsvList(const std::filesystem::path& list, const std::filesystem::path& root,
            const std::filesystem::path& synsets, int classes = 0);
};

}  // namespace aocq::data
