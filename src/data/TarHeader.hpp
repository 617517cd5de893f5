// SPDX-License-Identifier: Apache-2.0
// One 512-byte header of a tar archive, in POSIX's ustar form or GNU's. Source of the rules: POSIX
// pax, "ustar interchange format", and the GNU tar manual, "Basic Tar Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace aocq::data {

inline constexpr std::size_t tar_block_size = 512;
using TarBlock = std::span<const std::byte, tar_block_size>;

struct TarHeader {
    std::string name;         // as written
    std::uint64_t bytes = 0;  // of the data that follow; not yet compared with the file
    char type = '0';          // POSIX's typeflag
};

bool is_zero(TarBlock block);  // two of these end an archive

// Error::input, without the file, for another format and where the checksum does not fit.
TarHeader parse_tar_header(TarBlock block);

}  // namespace aocq::data
