// SPDX-License-Identifier: Apache-2.0
// Tar archives written block by block, so that a test can make every mistake there is.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace aocq::test {

inline constexpr std::string_view posix_tar("ustar\00000", 8);
inline constexpr std::string_view gnu_tar("ustar  \0", 8);

inline void put_text(std::string& block, std::size_t offset, std::string_view text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(offset));
}

// The checksum of a finished header is put in its place.
inline std::string sealed_header(std::string block) {
    put_text(block, 148, "        ");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put_text(block, 148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    return block;
}

inline std::string tar_header(std::string_view name, std::uint64_t bytes, char type = '0',
                              std::string_view magic = posix_tar) {
    std::string block(512, '\0');
    put_text(block, 0, name);
    put_text(block, 100, "0000644");
    put_text(block, 124, fmt::format("{:011o}", bytes));
    block[156] = type;
    put_text(block, 257, magic);
    return sealed_header(block);
}

inline std::string tar_padded(std::string_view text) {
    std::string all(text);
    all.resize((all.size() + 511) / 512 * 512, '\0');
    return all;
}

inline std::string tar_member(std::string_view name, std::string_view text, char type = '0') {
    return tar_header(name, text.size(), type) + tar_padded(text);
}

inline std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;  // blank, equals sign, line feed
    std::size_t length = rest + 1;
    while (length != rest + std::to_string(length).size()) ++length;
    return fmt::format("{} {}={}\n", length, key, value);
}

inline std::string tar_end() {
    return std::string(1024, '\0');
}

}  // namespace aocq::test
