// SPDX-License-Identifier: Apache-2.0
#include "data/FileDataset.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/Error.hpp"
#include "core/Sha256.hpp"
#include "data/Decode.hpp"

namespace aocq::data {

FileDataset::FileDataset(FileList list) : list_(std::move(list)) {
    if (list_.entries.empty()) {
        throw Error::input("dataset has no images")
            .advise("check the path; images end in .jpg, .jpeg or .png")
            .at("file", list_.source.string());
    }
}

Image FileDataset::load(std::size_t index) const {
    return decode_file(list_.root / list_.entries.at(index).name);
}

std::string FileDataset::fingerprint() const {
    Sha256 hash;
    hash.update("files 1\n");
    for (const FileEntry& entry : list_.entries) {
        hash.update(entry.name);
        // A name cannot contain a zero byte, so the parts cannot run into each other.
        hash.update(std::string_view("\0", 1));
        hash.update(fmt::format("{} {}\n", entry.bytes, entry.label));
    }
    return hash.hex();
}

int checked_classes(int found, int wanted) {
    if (wanted != 0 && wanted < found) {
        throw Error::config("dataset has more classes than given")
            .advise("correct or remove the key")
            .at("key", "classes")
            .found(fmt::format("{}", found))
            .wanted(fmt::format("at most {}", wanted));
    }
    return wanted != 0 ? wanted : found;
}

}  // namespace aocq::data
