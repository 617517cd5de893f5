// SPDX-License-Identifier: Apache-2.0
// The members of a tar archive, one after another: ustar, GNU's long names, pax records. Nothing is
// extracted, and no claim of a header is believed before it was compared with the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/PreadFile.hpp"
#include "data/TarHeader.hpp"

namespace aocq::data {

struct TarMember {
    std::string name;          // relative, without "./" and ".."
    std::uint64_t offset = 0;  // of its data in the file
    std::uint64_t bytes = 0;   // offset + bytes lies within the file
};

class TarReader {
  public:
    explicit TarReader(const PreadFile& file) : file_(file) {}  // has to outlive the reader

    // The next regular file, folders passed over; nothing at the end. Error::input, with file and
    // byte, for what is damaged or cut off, for links, sparse and special files, for names that
    // lead elsewhere and for anything after the archive's end.
    std::optional<TarMember> next();

    // A member's data as text. More than `limit` bytes are Error::input.
    std::string text(const TarMember& member, std::size_t limit);

  private:
    // What pax and GNU records say of the member after them.
    struct Extension {
        std::optional<std::string> name;
        std::optional<std::uint64_t> bytes;
    };

    TarBlock block();
    TarBlock block_at(std::uint64_t offset);
    std::string text_at(std::uint64_t offset, std::uint64_t bytes, std::size_t limit);
    void check_end();
    void check_bytes(std::uint64_t bytes) const;
    void skip(std::uint64_t bytes);
    std::optional<TarMember> member(const TarHeader& header);
    void read_long_name(const TarHeader& header);
    void read_pax(const TarHeader& header);
    void apply_pax(std::string_view key, std::string_view value, bool global);
    std::string clean_name(const TarHeader& header) const;
    [[noreturn]] void fail(const std::string& reason) const;

    const PreadFile& file_;
    std::uint64_t start_ = 0;     // of the header that is being read
    std::uint64_t position_ = 0;  // of the next one
    Extension extension_;
    std::vector<std::byte> window_;  // what was read last, from window_start_ on
    std::uint64_t window_start_ = 0;
};

}  // namespace aocq::data
