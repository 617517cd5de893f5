// SPDX-License-Identifier: Apache-2.0
// Where the images of a WebDataset lie in its shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/FileDataset.hpp"

namespace aocq::data {

struct Shard {
    std::filesystem::path file;
    std::uint64_t bytes = 0;
};

struct ShardPlace {
    std::uint32_t shard = 0;
    std::uint64_t offset = 0;  // offset + the image's bytes lies within the shard
};

struct WebDatasetIndex {
    FileList list;  // in canonical order
    std::vector<Shard> shards;
    std::vector<ShardPlace> places;  // [list.entries]
};

// Reads the headers and labels of all shards. Error::input, with the shard, for a damaged archive,
// an image without a label or the other way round, and names that come twice.
WebDatasetIndex index_web_dataset(const std::filesystem::path& shards,
                                  const std::filesystem::path& synsets, int classes);

}  // namespace aocq::data
