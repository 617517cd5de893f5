// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG. Pictures beyond a million pixels are left out: the reader allows them, and decoding
// what a few bytes claim would only make the fuzzer slow. A PNG is read with its checksums
// repaired, too.
#include <algorithm>
#include <cstring>
#include <vector>

#include "data/Decode.hpp"
#include "fuzz/FuzzTarget.hpp"

namespace {

using namespace aocq;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t most_pixels = 1U << 20;

std::uint64_t big_endian(Bytes bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
}

// Of any JPEG frame header (FF C0 .. FF CF, length, depth, height, width) or PNG header.
std::uint64_t claimed_pixels(Bytes input) {
    std::uint64_t most = 0;
    for (std::size_t i = 0; i + 9 <= input.size(); ++i) {
        if (input[i] != 0xFF || input[i + 1] < 0xC0 || input[i + 1] > 0xCF) continue;
        most = std::max(most, big_endian(input.subspan(i + 5, 2)) *
                                  std::max<std::uint64_t>(big_endian(input.subspan(i + 7, 2)), 1));
    }
    if (input.size() >= 24 && input[0] == 0x89) {
        most = std::max(most, big_endian(input.subspan(16, 4)) * big_endian(input.subspan(20, 4)));
    }
    return most;
}

std::vector<std::uint8_t> with_checksums(Bytes input) {
    std::vector<std::uint8_t> bytes(input.begin(), input.end());
    std::size_t at = 8;  // chunks: length, type, data, checksum of the two before
    while (at + 12 <= bytes.size()) {
        const std::uint64_t length = big_endian(Bytes(bytes).subspan(at, 4));
        if (length > bytes.size() - at - 12) break;
        const std::uint32_t sum = fuzz::crc32(Bytes(bytes).subspan(at + 4, length + 4));
        for (std::size_t i = 0; i < 4; ++i) {
            bytes[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
        }
        at += length + 12;
    }
    return bytes;
}

void read(Bytes input) {
    fuzz::reads([&] {
        const data::Image image = data::decode(std::as_bytes(input), "input");
        fuzz::require(
            image.width > 0 && image.height > 0 &&
                image.rgb.size() == image.row_bytes() * static_cast<std::size_t>(image.height),
            "an image has all its pixels");
    });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input(data, size);
    if (claimed_pixels(input) > most_pixels) return -1;
    read(input);
    if (size > 8 && data[0] == 0x89) read(with_checksums(input));
    return 0;
}
