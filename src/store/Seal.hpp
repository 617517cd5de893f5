// SPDX-License-Identifier: Apache-2.0
// The first 512 bytes of a bundle (HDF5's user block): a few lines of text with a SHA-256 over the
// rest of the file. It is checked before HDF5 sees the file, because HDF5 trusts its metadata and
// may crash on damaged ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/Error.hpp"

namespace aocq::store::detail {

inline constexpr std::uint64_t seal_size = 512;
inline constexpr int format_version = 1;

struct Seal {
    std::string kind;
    std::uint64_t body_size = 0;  // bytes after the seal
    std::string body_sha256;
};

// The seal of a file whose bytes behind the seal are `body`.
Seal seal_for(std::string_view kind, std::span<const std::byte> body);
// Its 512 bytes.
std::string to_text(const Seal& seal);

// Refuses anything but an undamaged bundle of a format that this program knows.
Seal check_seal(const std::filesystem::path& file);

// "damaged: <reason>", with the remedy.
Error damaged(const std::filesystem::path& file, std::string reason);

}  // namespace aocq::store::detail
