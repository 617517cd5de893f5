// SPDX-License-Identifier: Apache-2.0
// Tar archives and the samples of a WebDataset in them. As a changed byte spoils a header's
// checksum, the input is read as it is and with its checksums repaired.
#include <cstring>
#include <vector>

#include "data/TarReader.hpp"
#include "data/WebDatasetIndex.hpp"
#include "fuzz/FuzzTarget.hpp"

namespace {

using namespace aocq;

std::vector<std::uint8_t> with_checksums(std::span<const std::uint8_t> input) {
    std::vector<std::uint8_t> bytes(input.begin(), input.end());
    for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
        if (std::memcmp(bytes.data() + at + 257, "ustar", 5) != 0) continue;
        std::memset(bytes.data() + at + 148, ' ', 8);
        unsigned sum = 0;
        for (std::size_t i = 0; i < 512; ++i) sum += bytes[at + i];
        std::snprintf(reinterpret_cast<char*>(bytes.data()) + at + 148, 8, "%06o", sum);
    }
    return bytes;
}

void check(const std::string& name) {
    fuzz::require(!name.empty() && name.front() != '/' &&
                      ("/" + name + "/").find("/../") == std::string::npos,
                  "a name leads nowhere else");
}

void read(const std::string& path) {
    fuzz::reads([&] {
        const data::PreadFile file(path);
        data::TarReader reader(file);
        while (const auto member = reader.next()) {
            fuzz::require(
                member->offset <= file.size() && member->bytes <= file.size() - member->offset,
                "a member lies within the file");
            check(member->name);
            fuzz::reads([&] { reader.text(*member, 100); });
        }
    });
    fuzz::reads([&] {
        const data::WebDatasetIndex index = data::index_web_dataset(path, {}, 0);
        fuzz::require(index.places.size() == index.list.entries.size(), "every image has a place");
        for (const auto& entry : index.list.entries) check(entry.name);
    });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static fuzz::InputFile file;
    const std::span<const std::uint8_t> input(data, size);
    read(file.with(input));
    read(file.with(with_checksums(input)));
    return 0;
}
