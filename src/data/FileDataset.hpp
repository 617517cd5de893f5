// SPDX-License-Identifier: Apache-2.0
// A dataset whose images are files below one root: what a class folder tree and a list have in
// common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/Dataset.hpp"

namespace aocq::data {

struct FileEntry {
    std::string name;  // relative to the root
    std::uint64_t bytes = 0;
    int label = 0;
};

struct FileList {
    std::filesystem::path root;
    std::vector<FileEntry> entries;
    int classes = 0;
    std::filesystem::path source;  // the folder or list that an empty dataset is blamed on
};

class FileDataset : public Dataset {
  public:
    explicit FileDataset(FileList list);
    std::size_t size() const override { return list_.entries.size(); }
    std::string name(std::size_t index) const override { return list_.entries.at(index).name; }
    int label(std::size_t index) const override { return list_.entries.at(index).label; }
    int classes() const override { return list_.classes; }
    Image load(std::size_t index) const override;
    std::string fingerprint() const override;

  private:
    FileList list_;
};

// The larger of the two; `wanted` (0: not given) below `found` is Error::config.
int checked_classes(int found, int wanted);

}  // namespace aocq::data
