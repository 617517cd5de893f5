// SPDX-License-Identifier: Apache-2.0
#include "data/TarReader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

// A label of a few bytes and the headers beside it come with one read.
constexpr std::uint64_t window_size = 8U << 10;
constexpr std::size_t longest_name = 4096;
constexpr std::size_t largest_pax = 1U << 20;  // extended attributes may be in it

enum Type : char {
    old_file = '\0',
    file = '0',
    hard_link = '1',
    symbolic_link = '2',
    folder = '5',
    gnu_long_link = 'K',
    gnu_long_name = 'L',
    gnu_sparse = 'S',
    pax_global = 'g',
    pax_next = 'x',
};

std::string describe(char type) {
    switch (type) {
        case hard_link:
        case symbolic_link:
        case gnu_long_link:
            return "a link";
        case gnu_sparse:
            return "a sparse file";
        default:
            break;
    }
    return "neither file nor folder";
}

std::uint64_t padded(std::uint64_t bytes) {  // beyond the file's size is fine, overflow is not
    return bytes + (tar_block_size - bytes % tar_block_size) % tar_block_size;
}

std::optional<std::uint64_t> decimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Without leading "./"; nothing where the rest is no plain relative path.
std::optional<std::string> plain_path(std::string_view name) {
    while (name.starts_with("./")) name.remove_prefix(2);
    for (std::string_view rest = name;;) {
        const std::size_t slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return std::nullopt;
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (name.find('\0') != std::string_view::npos) return std::nullopt;
    return std::string(name);
}

}  // namespace

std::optional<TarMember> TarReader::next() {
    try {
        for (;;) {
            start_ = position_;
            const TarBlock next_block = block();
            if (is_zero(next_block)) {
                check_end();
                position_ = start_;  // a further call ends here again
                return std::nullopt;
            }
            const TarHeader header = parse_tar_header(next_block);
            if (auto found = member(header)) return found;
        }
    } catch (Error& error) {
        if (error.field("file").empty()) error.at("file", file_.path().string());
        error.at("byte", std::to_string(start_));
        throw;
    }
}

std::string TarReader::text(const TarMember& member, std::size_t limit) {
    return text_at(member.offset, member.bytes, limit);
}

std::optional<TarMember> TarReader::member(const TarHeader& header) {
    switch (header.type) {
        case gnu_long_name:
            read_long_name(header);
            return std::nullopt;
        case pax_next:
        case pax_global:
            read_pax(header);
            return std::nullopt;
        case folder:
            if (header.bytes != 0) fail("a folder has data");
            extension_ = {};
            return std::nullopt;
        case file:
        case old_file: {
            TarMember found{clean_name(header), position_, extension_.bytes.value_or(header.bytes)};
            extension_ = {};
            skip(found.bytes);
            return found;
        }
        default:
            break;
    }
    throw Error::input("a tar archive holds more than plain files")
        .because("a member is " + describe(header.type))
        .advise("write the images themselves into the archive")
        .at("member", extension_.name.value_or(header.name));
}

void TarReader::read_long_name(const TarHeader& header) {
    check_bytes(header.bytes);
    std::string name = text_at(position_, header.bytes, longest_name);
    if (name.ends_with('\0')) name.pop_back();
    extension_.name = std::move(name);
    skip(header.bytes);
}

// Records "LENGTH KEY=VALUE\n"; the length counts all of the record.
void TarReader::read_pax(const TarHeader& header) {
    check_bytes(header.bytes);
    const std::string text = text_at(position_, header.bytes, largest_pax);
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t blank = rest.find(' ');
        const auto length = decimal(rest.substr(0, blank));
        if (!length || *length > rest.size() || *length < blank + 2) {
            fail("a pax record has a wrong length");
        }
        const std::string_view record = rest.substr(blank + 1, *length - blank - 1);
        const std::size_t equals = record.find('=');
        if (!record.ends_with('\n') || equals == std::string_view::npos) {
            fail("a pax record is no KEY=VALUE line");
        }
        apply_pax(record.substr(0, equals), record.substr(equals + 1, record.size() - equals - 2),
                  header.type == pax_global);
        rest.remove_prefix(*length);
    }
    skip(header.bytes);
}

void TarReader::apply_pax(std::string_view key, std::string_view value, bool global) {
    if (key.starts_with("GNU.sparse.")) fail("a member is a sparse file");
    if (key != "path" && key != "size") return;  // times, owners and the like
    if (global) fail("a global pax record gives all members one path or size");
    if (key == "path") {
        if (value.size() > longest_name) fail("a name is too long");
        extension_.name = std::string(value);
        return;
    }
    extension_.bytes = decimal(value);
    if (!extension_.bytes) fail("a member's size is no number");
}

std::string TarReader::clean_name(const TarHeader& header) const {
    const std::string& written = extension_.name ? *extension_.name : header.name;
    if (auto name = plain_path(written)) return *std::move(name);
    throw Error::input("a tar archive has a name that is no plain relative path")
        .advise("write the archive from inside the folder, with relative names")
        .at("member", written);
}

void TarReader::check_bytes(std::uint64_t bytes) const {
    if (bytes > file_.size() - position_) fail("a member reaches beyond the end of the file");
}

void TarReader::skip(std::uint64_t bytes) {
    check_bytes(bytes);
    position_ += padded(bytes);
}

TarBlock TarReader::block() {
    const TarBlock found = block_at(position_);
    position_ += tar_block_size;
    return found;
}

TarBlock TarReader::block_at(std::uint64_t offset) {
    if (offset > file_.size() || file_.size() - offset < tar_block_size) {
        fail("its end is missing, it was cut off");
    }
    const bool inside =
        offset >= window_start_ && offset + tar_block_size <= window_start_ + window_.size();
    if (!inside) {
        window_.resize(std::min(window_size, file_.size() - offset));
        window_start_ = offset;
        file_.read(offset, window_);
    }
    return TarBlock(window_.data() + (offset - window_start_), tar_block_size);
}

std::string TarReader::text_at(std::uint64_t offset, std::uint64_t bytes, std::size_t limit) {
    if (bytes > limit) fail("a text is too long");
    std::string text(bytes, '\0');
    const auto target = std::as_writable_bytes(std::span(text));
    if (offset >= window_start_ && offset + bytes <= window_start_ + window_.size()) {
        std::copy_n(window_.begin() + static_cast<std::ptrdiff_t>(offset - window_start_), bytes,
                    target.begin());
    } else {
        file_.read(offset, target);
    }
    return text;
}

// The second zero block, and after it nothing but zeros: whatever else is there would be lost.
void TarReader::check_end() {
    if (extension_.name || extension_.bytes) fail("a name or size has no member");
    std::uint64_t offset = position_;
    do {
        if (!is_zero(block_at(offset))) fail("something follows its end (two archives joined?)");
        offset += tar_block_size;
    } while (file_.size() - offset >= tar_block_size);
}

void TarReader::fail(const std::string& reason) const {
    throw Error::input("damaged tar archive").because(reason);
}

}  // namespace aocq::data
