// SPDX-License-Identifier: Apache-2.0
#include "data/WebDataset.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "core/Error.hpp"
#include "data/Decode.hpp"
#include "data/PreadFile.hpp"

namespace aocq::data {

WebDataset::WebDataset(WebDatasetIndex index)
    : FileDataset(std::move(index.list)),
      shards_(std::move(index.shards)),
      places_(std::move(index.places)) {}

// Opened anew for every image, as a file of a folder would be: there may be more shards than a
// process may have open files.
Image WebDataset::load(std::size_t index) const {
    const ShardPlace& place = places_.at(index);
    const Shard& shard = shards_[place.shard];
    const PreadFile file(shard.file);
    if (file.size() != shard.bytes) {
        throw Error::input("a shard has changed since it was indexed")
            .advise("leave the images alone while a study runs; start it again")
            .at("file", shard.file.string())
            .found(fmt::format("{} bytes", file.size()))
            .wanted(fmt::format("{} bytes", shard.bytes));
    }
    std::vector<std::byte> bytes(entry(index).bytes);
    file.read(place.offset, bytes);
    return decode(bytes, shard.file.string() + ":" + entry(index).name);
}

}  // namespace aocq::data
