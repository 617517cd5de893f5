// SPDX-License-Identifier: Apache-2.0
#include "data/TarHeader.hpp"

#include <algorithm>
#include <string_view>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

struct Field {
    std::size_t offset;
    std::size_t size;
};
constexpr Field name_field{0, 100};
constexpr Field size_field{124, 12};
constexpr Field checksum_field{148, 8};
constexpr std::size_t type_offset = 156;
constexpr Field magic_field{257, 8};  // with the version
constexpr Field prefix_field{345, 155};

constexpr std::string_view posix_magic("ustar\00000", 8);
constexpr std::string_view gnu_magic("ustar  \0", 8);

std::string_view text_of(TarBlock block, Field field) {
    return {reinterpret_cast<const char*>(block.data()) + field.offset, field.size};
}

std::string_view up_to_zero(std::string_view text) {
    return text.substr(0, text.find('\0'));
}

Error damaged(const char* reason) {
    return Error::input("damaged tar archive").because(reason);
}

// Octal digits between blanks, ended by a blank or a zero byte.
std::uint64_t octal(std::string_view text, const char* complaint) {
    text = up_to_zero(text);
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) throw damaged(complaint);
    std::uint64_t value = 0;  // 12 digits have 36 bits
    for (const char c : text) {
        if (c < '0' || c > '7') throw damaged(complaint);
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

// GNU writes what octal digits cannot hold as a big-endian number after the byte 0x80.
std::uint64_t size_of(TarBlock block) {
    constexpr const char* complaint = "a member's size is no number";
    const auto bytes = block.subspan(size_field.offset, size_field.size);
    if (std::to_integer<unsigned>(bytes[0]) < 0x80) {
        return octal(text_of(block, size_field), complaint);
    }
    if (std::to_integer<unsigned>(bytes[0]) != 0x80) throw damaged("a member's size is negative");
    std::uint64_t value = 0;
    for (const std::byte byte : bytes.subspan(1)) {
        if (value >> 55 != 0) throw damaged("a member's size is beyond any file's");
        value = value << 8 | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

// The sum of all bytes, those of the checksum counted as blanks.
std::uint64_t sum_of(TarBlock block) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const bool own =
            i >= checksum_field.offset && i - checksum_field.offset < checksum_field.size;
        sum += own ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(block[i]);
    }
    return sum;
}

}  // namespace

bool is_zero(TarBlock block) {
    return std::all_of(block.begin(), block.end(), [](std::byte b) { return b == std::byte{0}; });
}

TarHeader parse_tar_header(TarBlock block) {
    const std::string_view magic = text_of(block, magic_field);
    if (magic != posix_magic && magic != gnu_magic) {
        throw Error::input("not a tar archive that is read here")
            .because("a header is not marked as POSIX's ustar or GNU's")
            .advise("a compressed archive has to be unpacked to .tar first");
    }
    const std::uint64_t claimed =
        octal(text_of(block, checksum_field), "a header's checksum is no number");
    if (claimed != sum_of(block)) throw damaged("a header's checksum does not fit");
    TarHeader header;
    header.name = up_to_zero(text_of(block, name_field));
    const std::string_view prefix = up_to_zero(text_of(block, prefix_field));
    if (magic == posix_magic && !prefix.empty()) {
        header.name = std::string(prefix) + "/" + header.name;
    }
    header.bytes = size_of(block);
    header.type = std::to_integer<char>(block[type_offset]);
    return header;
}

}  // namespace aocq::data
