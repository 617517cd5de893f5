// SPDX-License-Identifier: Apache-2.0
// A dataset whose images are files, or parts of files, below one root: what class folders, lists
// and shards have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/Dataset.hpp"

namespace aocq::data {

struct FileEntry {
    std::string name;         // what the image is called, wherever it lies
    std::uint64_t bytes = 0;  // of its encoded form
    int label = 0;
    std::string file;  // where it lies, relative to the root
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
    std::string name(std::size_t index) const override { return entry(index).name; }
    int label(std::size_t index) const override { return entry(index).label; }
    int classes() const override { return list_.classes; }
    Image load(std::size_t index) const override;
    std::string fingerprint() const override;
    // The fingerprint of a dataset that has these images only.
    std::string subset_fingerprint(std::span<const std::uint32_t> indices) const override;

  protected:
    const FileEntry& entry(std::size_t index) const { return list_.entries.at(index); }

  private:
    FileList list_;
};

// The order of class folders and the images in them: bytewise, one part of the path after another.
// It is the canonical order of every dataset that has none of its own.
bool comes_before(std::string_view a, std::string_view b);

// The larger of the two; `wanted` (0: not given) below `found` is Error::config.
int checked_classes(int found, int wanted);

}  // namespace aocq::data
