// SPDX-License-Identifier: Apache-2.0
#include "data/FileDataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
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
    return decode_file(list_.root / entry(index).file);
}

std::string FileDataset::fingerprint() const {
    std::vector<std::uint32_t> all(size());
    std::iota(all.begin(), all.end(), 0U);
    return subset_fingerprint(all);
}

std::string FileDataset::subset_fingerprint(std::span<const std::uint32_t> indices) const {
    Sha256 hash;
    hash.update("files 1\n");
    for (const std::uint32_t index : indices) {
        const FileEntry& image = entry(index);
        hash.update(image.name);
        // A name cannot contain a zero byte, so the parts cannot run into each other.
        hash.update(std::string_view("\0", 1));
        hash.update(fmt::format("{} {}\n", image.bytes, image.label));
    }
    return hash.hex();
}

bool comes_before(std::string_view a, std::string_view b) {
    // As if '/' were the smallest byte: what ends a part sorts before what goes on with it.
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return rank(x) < rank(y); });
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
