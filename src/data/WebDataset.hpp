// SPDX-License-Identifier: Apache-2.0
// Tar archives in WebDataset's layout: the members NAME.jpg (or .jpeg, .png) and NAME.cls make one
// labelled image. Read in place; the index is made once, when the dataset is opened, and kept in
// memory.
#pragma once

#include <filesystem>
#include <vector>

#include "data/FileDataset.hpp"
#include "data/WebDatasetIndex.hpp"

namespace aocq::data {

class WebDataset : public FileDataset {
  public:
    // `shards`: a folder, a file or a pattern (ShardFiles.hpp). NAME goes up to the first dot in
    // the last part of the path; other members of that name (.json, .txt) are passed over. A label
    // is an index from 0 or, with `synsets` (may be empty), a class name.
    //
    // The order is canonical, whatever shard an image is in and wherever in it. An image that is in
    // no folder counts as lying in the folder of its class, where `synsets` names that: so the same
    // files have the same names, order and fingerprint in shards and in class folders.
    WebDataset(const std::filesystem::path& shards, const std::filesystem::path& synsets,
               int classes = 0)
        : WebDataset(index_web_dataset(shards, synsets, classes)) {}

    Image load(std::size_t index) const override;

  private:
    explicit WebDataset(WebDatasetIndex index);

    std::vector<Shard> shards_;
    std::vector<ShardPlace> places_;  // [size()]
};

}  // namespace aocq::data
