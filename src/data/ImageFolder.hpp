// SPDX-License-Identifier: Apache-2.0
// root/<class>/<image>: classes and images in bytewise order of their names, on every file system.
#pragma once

#include <filesystem>

#include "data/FileDataset.hpp"

namespace aocq::data {

class ImageFolder : public FileDataset {
  public:
    // Images end in .jpg, .jpeg or .png in any case; names that start with a dot are passed over.
    // With `synsets` (may be empty) a class's index is its line there, and a class folder that is
    // not in the list is an error; without, it is the folder's place in order. `classes` 0: as many
    // as there are.
    ImageFolder(const std::filesystem::path& root, const std::filesystem::path& synsets,
                int classes = 0);
};

}  // namespace aocq::data
