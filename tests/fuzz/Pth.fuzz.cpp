// SPDX-License-Identifier: Apache-2.0
// PyTorch's .pth: zip archive, pickle and tensors. A changed byte spoils a zip's checksums, which
// would keep the fuzzer from what lies behind them; so the input is read as it is and with its
// checksums repaired.
#include <cstring>
#include <vector>

#include "fuzz/FuzzTarget.hpp"
#include "nn/PthArchive.hpp"
#include "nn/Safetensors.hpp"

namespace {

using namespace aocq;

template <class T>
T number_at(const std::vector<std::uint8_t>& bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// Central directory records: 46 bytes with the checksum at 16, the stored size at 20, the local
// header's place at 42; local headers: 30 bytes with the checksum at 14, lengths of name and extra
// field at 26 and 28, then the data (APPNOTE.TXT of the zip format, 4.3).
std::vector<std::uint8_t> with_checksums(std::span<const std::uint8_t> input) {
    std::vector<std::uint8_t> bytes(input.begin(), input.end());
    for (std::size_t at = 0; at + 46 <= bytes.size(); ++at) {
        if (std::memcmp(bytes.data() + at, "PK\x01\x02", 4) != 0) continue;
        const std::size_t local = number_at<std::uint32_t>(bytes, at + 42);
        if (local + 30 > bytes.size()) continue;
        const std::size_t begin = local + 30 + number_at<std::uint16_t>(bytes, local + 26) +
                                  number_at<std::uint16_t>(bytes, local + 28);
        const std::size_t size = number_at<std::uint32_t>(bytes, at + 20);
        if (begin > bytes.size() || size > bytes.size() - begin) continue;
        const std::uint32_t sum = fuzz::crc32(std::span(bytes).subspan(begin, size));
        std::memcpy(bytes.data() + at + 16, &sum, 4);
        std::memcpy(bytes.data() + local + 14, &sum, 4);
    }
    return bytes;
}

void read(const std::string& path) {
    fuzz::reads([&] {
        const nn::PthArchive archive(path);
        for (const auto& [name, tensor] : archive.tensors()) {
            const std::size_t bytes = archive.read(tensor.storage).size();
            const auto values = bytes / nn::size_of(tensor.storage.dtype);
            std::size_t last = static_cast<std::size_t>(tensor.offset);
            bool empty = false;
            for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
                empty = empty || tensor.sizes[i] == 0;
                last += static_cast<std::size_t>((tensor.sizes[i] - 1) * tensor.strides[i]);
            }
            fuzz::require(empty || last < values, "a tensor lies within its storage");
        }
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
